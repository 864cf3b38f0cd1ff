import { getStitchedSchemaFromSupergraphSdl } from "@graphql-tools/federation";
import { addressOf, composed } from "./supergraph.mjs";

/** The executable schema over all subgraphs. Throws with the first composition errors when they do not fit together. */
export function createGatewaySchema({ subgraphs, timeoutMs, cache }) {
  const addresses = new Map(subgraphs.map(({ name, url }) => [addressOf(name), url]));
  const fetchSubgraph = (address, options) => fetch(addresses.get(address), options);
  return getStitchedSchemaFromSupergraphSdl({
    supergraphSdl: composed(subgraphs, cache),
    batch: true,
    httpExecutorOpts: () => ({ timeout: timeoutMs, fetch: fetchSubgraph, headers: ({ context } = {}) => context?.forwarded ?? {} }),
  });
}

/** The caller's identity and trace go on to the subgraphs; nothing else of a request does. */
export function forwardedHeaders(headers) {
  const forwarded = {};
  for (const name of ["authorization", "traceparent", "tracestate", "baggage", "x-request-id"]) {
    const value = headers.get(name);
    if (value) forwarded[name] = value;
  }
  return forwarded;
}
