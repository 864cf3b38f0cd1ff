import { getStitchedSchemaFromSupergraphSdl } from "@graphql-tools/federation";
import { composeServices } from "@theguild/federation-composition";
import { parse, Source } from "graphql";

const SHOWN_ERRORS = 5;

/** The executable schema over all subgraphs. Throws with the first composition errors when they do not fit together. */
export function createGatewaySchema({ subgraphs, timeoutMs }) {
  const services = subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(new Source(sdl, name)) }));
  const { supergraphSdl, errors } = composeServices(services);
  if (errors?.length) {
    const shown = errors.slice(0, SHOWN_ERRORS).map((error) => error.message);
    throw new Error(`the subgraphs do not compose (${errors.length} errors): ${shown.join("; ")}`);
  }
  return getStitchedSchemaFromSupergraphSdl({
    supergraphSdl,
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

function fetchSubgraph(url, options) {
  return fetch(url, options);
}
