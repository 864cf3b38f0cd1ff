// The reference stack's gateway: `node gateway.mjs CONFIG.json` composes the subgraphs of CONFIG at start, and serves.
import { addressesOf, createGatewaySchema } from "./schema.mjs";
import { serve } from "./serve.mjs";

await serve(process.argv[2], (config) => createGatewaySchema(config, addressesOf(config.subgraphs)));
