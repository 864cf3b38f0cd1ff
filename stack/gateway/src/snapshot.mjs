// The same gateway as the image of a process that has composed its subgraphs already, so that it starts in a quarter of the time:
// `node --snapshot-blob IMAGE --build-snapshot gateway.cjs CONFIG.json` writes the image, `node --snapshot-blob IMAGE CONFIG.json`
// serves what CONFIG says, with the subgraphs of the image at the addresses of CONFIG.
import { startupSnapshot } from "node:v8";
import { readConfig } from "./config.mjs";
import { addressesOf, createGatewaySchema } from "./schema.mjs";
import { serve } from "./serve.mjs";

const addresses = new Map();
const schema = createGatewaySchema(readConfig(process.argv[2]), addresses);
startupSnapshot.setDeserializeMainFunction(() =>
  serve(process.argv[1], ({ subgraphs }) => {
    for (const [name, url] of addressesOf(subgraphs)) addresses.set(name, url);
    return schema;
  }),
);
