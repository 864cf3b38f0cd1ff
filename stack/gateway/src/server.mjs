import { createServer } from "node:http";
import { createYoga } from "graphql-yoga";
import { maskError } from "./errors.mjs";
import { forwardedHeaders } from "./schema.mjs";

const MAX_BODY = 1_000_000;
const HEADERS = { "content-type": "application/json; charset=utf-8", "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** Serve until the process ends, on `where`: a port and host, or the descriptor of a listening socket. Resolves with the port. */
export function listen({ where, schema, verify, ready }) {
  const yoga = createYoga({
    schema,
    graphqlEndpoint: "/graphql",
    healthCheckEndpoint: "/health/live",
    landingPage: false,
    graphiql: false,
    cors: false,
    logging: false,
    maskedErrors: { maskError },
    context: ({ request }) => ({ forwarded: forwardedHeaders(request.headers) }),
  });
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    route({ yoga, verify, ready }, request, response).catch(() => {
      if (!response.headersSent) refuse(response, 500, "INTERNAL_SERVER_ERROR", "Something went wrong.");
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => resolve(server.address().port));
  });
}

async function route({ yoga, verify, ready }, request, response) {
  const path = request.url.split("?", 1)[0];
  if (path === "/health/live") return send(response, 200, { status: "live" });
  if (path === "/health/ready") {
    const state = await ready();
    return send(response, state.ready ? 200 : 503, { status: state.ready ? "ready" : "unready", subgraphs: state.subgraphs });
  }
  if (path !== "/graphql") return refuse(response, 404, "NOT_FOUND", "There is no such path.");
  if (!(await verify(request.headers.authorization))) {
    return refuse(response, 401, "UNAUTHENTICATED", "A valid bearer token is needed.", { "www-authenticate": "Bearer" });
  }
  if (request.headers["transfer-encoding"] !== undefined) return refuse(response, 411, "LENGTH_REQUIRED", "The body's length must be declared.");
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY) return refuse(response, 413, "TOO_LARGE", `At most ${MAX_BODY} bytes.`);
  return yoga(request, response);
}

function refuse(response, status, code, message, headers = {}) {
  send(response, status, { errors: [{ message, extensions: { code } }] }, headers);
}

function send(response, status, body, headers = {}) {
  response.writeHead(status, { ...HEADERS, ...headers }).end(JSON.stringify(body));
}
