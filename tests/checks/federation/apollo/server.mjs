// Two Apollo subgraphs, and a gateway's view of both (one executable schema), each at a path of its own; the port is the first line of output.
import { createServer } from "node:http";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { graphql, parse } from "graphql";

const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])\n';
const PRODUCTS = [{ id: "p1", name: "Chair", price: 10 }, { id: "p2", name: "Table", price: 20 }];
const broken = process.argv[2] ?? "";

const products = buildSubgraphSchema({
  typeDefs: parse(`${LINK}
    "What can be asked." type Query { "All products." products: [Product!]! "One of them." product("Its key." id: ID!): Product }
    "A thing that is sold." type Product @key(fields: "id") { "Its key." id: ID! "What people call it." name: String! "What it costs." price: Int! }`),
  resolvers: {
    Query: { products: () => PRODUCTS, product: (_, { id }) => PRODUCTS.find((product) => product.id === id) ?? null },
    Product: { __resolveReference: ({ id }) => (broken === "entity" ? null : PRODUCTS.find((product) => product.id === id) ?? null) },
  },
});
const reviews = buildSubgraphSchema({
  typeDefs: parse(`${LINK}
    "What can be asked." type Query { "All reviews." reviews: [Review!]! }
    "What somebody thinks." type Review @key(fields: "id") { "Its key." id: ID! "What was written." text: String! "What it is about." product: Product! }
    "A thing that is sold." type Product @key(fields: "id", resolvable: false) { "Its key." id: ID! }`),
  resolvers: {
    Query: { reviews: () => [{ id: "r1", text: "Good", product: { id: "p1" } }] },
    Review: { __resolveReference: ({ id }) => (id === "r1" ? { id, text: "Good", product: { id: "p1" } } : null) },
  },
});
const schemas = { "/products": products, "/reviews": reviews };

const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  const schema = schemas[request.url.replace("/graphql", "")];
  const { query, variables } = JSON.parse(body);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(await graphql({ schema, source: query, variableValues: variables })));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
