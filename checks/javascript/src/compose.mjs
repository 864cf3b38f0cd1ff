import { composeServices } from "@theguild/federation-composition";
import { version as compositionVersion } from "@theguild/federation-composition/package.json";
import { GraphQLError, parse, Source, version as graphqlVersion } from "graphql";
import { renamed } from "./names.mjs";

const ENGINE = { name: "@theguild/federation-composition", version: compositionVersion, graphql: graphqlVersion };

/** Compose `[{name, url, sdl}]`. Errors are sorted and deterministic, so that two runs over the same schemas agree. */
export function compose(subgraphs) {
  const { given, restored } = renamed(subgraphs);
  return restored(composed(given));
}

function composed(subgraphs) {
  const { services, errors: syntaxErrors } = parseAll(subgraphs);
  if (syntaxErrors.length > 0) return answer(null, syntaxErrors);
  if (services.length === 0) return answer(null, [failure("NO_SUBGRAPHS", "There is nothing to compose.", null)]);
  try {
    const result = composeServices(services);
    if (result.errors?.length) return answer(null, result.errors.map(describe));
    return answer(result, []);
  } catch (error) {
    return answer(null, [describe(error)]);
  }
}

/** Parse each document under its subgraph's name, which then stands in the location of every node. */
function parseAll(subgraphs) {
  const services = [];
  const errors = [];
  const seen = new Set();
  for (const { name, url, sdl } of subgraphs) {
    if (seen.has(name)) errors.push(failure("DUPLICATE_SUBGRAPH", `Two subgraphs are named "${name}".`, name));
    seen.add(name);
    try {
      services.push({ name, url, typeDefs: parse(new Source(sdl, name)) });
    } catch (error) {
      errors.push({ ...describe(error), code: "INVALID_GRAPHQL", subgraph: name });
    }
  }
  return { services, errors };
}

function describe(error) {
  const known = error instanceof GraphQLError;
  const locations = known ? locate(error) : [];
  return {
    code: (known && error.extensions?.code) || (known ? "INVALID_GRAPHQL" : "ENGINE_FAILED"),
    message: String(error?.message ?? error),
    subgraph: (known && error.extensions?.subgraphName) || locations[0]?.subgraph || null,
    locations,
  };
}

/** Only the places that stand in a subgraph's own text: the library's own definitions have no address a reader could open. */
function locate(error) {
  const own = error.source && error.locations ? error.locations.map((at) => ({ subgraph: error.source.name, ...at })) : [];
  const nodes = (error.nodes ?? [])
    .filter((node) => node.loc && node.loc.source.name !== "GraphQL request")
    .map((node) => ({ subgraph: node.loc.source.name, line: node.loc.startToken.line, column: node.loc.startToken.column }));
  return (nodes.length > 0 ? nodes : own).filter((at) => at.subgraph !== "GraphQL request");
}

function failure(code, message, subgraph) {
  return { code, message, subgraph, locations: [] };
}

function answer(result, errors) {
  return {
    ok: result !== null,
    supergraph: result?.supergraphSdl ?? null,
    publicSdl: result?.publicSdl ?? null,
    errors: errors.sort((a, b) => key(a).localeCompare(key(b), "en")),
    hints: [],
    engine: ENGINE,
  };
}

function key(error) {
  return `${error.subgraph ?? ""}\u0000${error.code}\u0000${error.message}`;
}
