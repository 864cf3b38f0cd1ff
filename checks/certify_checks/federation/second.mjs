// The same as engine.mjs with Apollo's own engine, which is under another licence and therefore not shipped: the first argument is a
// folder in which the user has installed `@apollo/composition` and `graphql`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const require = createRequire(join(resolve(process.argv[2]), "package.json"));
const { composeServices } = require("@apollo/composition");
const { GraphQLError, parse, version: graphql } = require("graphql");
const engine = { name: "@apollo/composition", version: require("@apollo/composition/package.json").version, graphql };

function told(error) {
  const node = error.nodes?.find((one) => one.loc && one.subgraph);
  const start = node?.loc.startToken;
  return {
    code: error.extensions?.code ?? "ENGINE_FAILED",
    message: String(error.message),
    subgraph: node?.subgraph ?? error.subgraph ?? null,
    locations: start ? [{ subgraph: node.subgraph, line: start.line, column: start.column }] : [],
  };
}

const { subgraphs } = JSON.parse(readFileSync(0, "utf8"));
let answer;
try {
  const services = subgraphs.map(({ name, url, sdl }) => {
    try {
      return { name, url, typeDefs: parse(sdl) };
    } catch (error) {
      throw new GraphQLError(error.message, { extensions: { code: "INVALID_GRAPHQL" } });
    }
  });
  answer = composeServices(services);
} catch (error) {
  answer = { errors: [error] };
}
const errors = (answer.errors ?? []).map(told);
const hints = (answer.hints ?? []).map((hint) => ({ code: hint.definition.code, message: hint.message }));
const supergraph = answer.supergraphSdl ?? null;
process.stdout.write(JSON.stringify({ ok: !errors.length, supergraph, publicSdl: supergraph, errors, hints, engine }));
