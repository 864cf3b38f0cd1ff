import { randomBytes } from "node:crypto";
import { getStitchedSchemaFromSupergraphSdl } from "@graphql-tools/federation";
import { addressOf, composed } from "./supergraph.mjs";

/** Where each subgraph really is, by the address that the supergraph has for it. */
export function addressesOf(subgraphs) {
  return new Map(subgraphs.map(({ name, url }) => [addressOf(name), url]));
}

/**
 * The executable schema over all subgraphs, which are asked where `addresses` says at that moment. Throws with the first composition
 * errors when they do not fit together.
 */
export function createGatewaySchema({ subgraphs, timeoutMs, cache }, addresses) {
  const fetchSubgraph = (address, options) => fetch(addresses.get(address), options);
  return getStitchedSchemaFromSupergraphSdl({
    supergraphSdl: composed(subgraphs, cache),
    batch: true,
    httpExecutorOpts: () => ({ timeout: timeoutMs, fetch: fetchSubgraph, headers: ({ context } = {}) => context?.forwarded ?? {} }),
  });
}

// https://www.w3.org/TR/trace-context/#traceparent-header: ids of zeros only are invalid.
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const WITH_TRACE = ["tracestate", "baggage"];

/**
 * The caller's identity and trace go on to the subgraphs; nothing else of a request does. A caller without a trace, or with one
 * that is none, gets a new one here, so that what one request does in several subgraphs can be found by one id.
 */
export function forwardedHeaders(headers) {
  const given = headers.get("traceparent") ?? "";
  const traced = TRACEPARENT.test(given);
  const forwarded = { traceparent: traced ? given : newTrace() };
  for (const name of ["authorization", "x-request-id", ...(traced ? WITH_TRACE : [])]) {
    const value = headers.get(name);
    if (value) forwarded[name] = value;
  }
  return forwarded;
}

function newTrace() {
  return `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`;
}
