import { ApolloGateway, IntrospectAndCompose } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";

const subgraphs = ["PRODUCTS", "REVIEWS"].map((name) => ({ name: name.toLowerCase(), url: process.env[name] }));
const gateway = new ApolloGateway({ supergraphSdl: new IntrospectAndCompose({ subgraphs }) });
await startStandaloneServer(new ApolloServer({ gateway }), { listen: { host: "0.0.0.0", port: Number(process.env.PORT) } });
process.once("SIGTERM", () => process.exit(0));
