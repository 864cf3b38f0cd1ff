import { GraphQLError } from "graphql";

const TRANSPORT_CODES = new Set(["SUBREQUEST_HTTP_ERROR", "DOWNSTREAM_SERVICE_ERROR", "TIMEOUT_ERROR", "RESPONSE_VALIDATION_FAILED"]);
const TRANSPORT_NAMES = new Set(["FetchError", "TypeError", "TimeoutError", "AbortError"]);
const KEPT = ["code", "service", "field", "reason", "retryable"];

/**
 * What a client may see of an error: a subgraph's own GraphQL errors with message, path and code; anything else, for example
 * a refused connection with its address, becomes one sentence. Stack traces never pass.
 */
export function maskError(error) {
  if (!(error instanceof GraphQLError)) return internal(undefined);
  const status = statusOf(error);
  if (status === 401) return refusal(error, "UNAUTHENTICATED", "The token was refused.", 401);
  if (status === 403) return refusal(error, "FORBIDDEN", "The caller may not do this.", 403);
  if (status !== undefined || isTransport(error)) return refusal(error, "SUBGRAPH_UNAVAILABLE", "A service did not answer.", undefined);
  if (!isOfSubgraph(error) && error.originalError) return internal(error);
  return new GraphQLError(error.message, { nodes: error.nodes, path: error.path, extensions: keep(error.extensions) });
}

/** The HTTP status with which a subgraph refused a whole request. */
function statusOf(error) {
  const { statusCode, response, http } = error.extensions ?? {};
  return [statusCode, response?.status, http?.status].find((status) => Number.isInteger(status) && status >= 400);
}

/** The subgraph was not reached at all, or broke off, or took too long: the message then holds its address. */
function isTransport(error) {
  const code = error.extensions?.code;
  if (TRANSPORT_CODES.has(code)) return true;
  return [error.originalError?.name, error.originalError?.cause?.name].some((name) => TRANSPORT_NAMES.has(name));
}

function isOfSubgraph(error) {
  return typeof error.extensions?.code === "string" || error.originalError instanceof GraphQLError;
}

function keep(extensions) {
  return Object.fromEntries(KEPT.filter((key) => extensions?.[key] !== undefined).map((key) => [key, extensions[key]]));
}

function refusal(error, code, message, status) {
  const http = status === undefined ? {} : { http: { status } };
  return new GraphQLError(message, { nodes: error.nodes, path: error.path, extensions: { code, ...http } });
}

function internal(error) {
  return new GraphQLError("Something went wrong.", { nodes: error?.nodes, path: error?.path, extensions: { code: "INTERNAL_SERVER_ERROR" } });
}
