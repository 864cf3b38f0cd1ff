import { GraphQLError } from "graphql";

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

function statusOf(error) {
  const status = error.extensions?.statusCode ?? error.extensions?.response?.status ?? error.extensions?.http?.status;
  return typeof status === "number" && status >= 400 ? status : undefined;
}

function isTransport(error) {
  const code = error.extensions?.code ?? error.originalError?.extensions?.code;
  return code === "DOWNSTREAM_SERVICE_ERROR" || error.originalError instanceof TypeError && error.message === "fetch failed";
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
