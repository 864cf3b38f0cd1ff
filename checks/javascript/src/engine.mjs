// Composes subgraphs into a supergraph: one JSON request on stdin, one JSON answer on stdout.
//
//   request  {"subgraphs": [{"name", "url", "sdl"}], "plain": true where the library is wanted as it is}
//   answer   {"ok", "supergraph", "publicSdl", "errors": [{"code", "message", "subgraph", "locations"}], "hints", "engine"}
//
// Whatever the subgraphs hold, the answer is JSON and the exit code is 0; an exit code of 2 means that the request itself was unusable.
import { readFileSync } from "node:fs";
import { compose } from "./compose.mjs";
import { readRequest } from "./request.mjs";
import { hasten } from "./search.mjs";

let request;
try {
  request = readRequest(readFileSync(0, "utf8"));
} catch (error) {
  process.stderr.write(`composition engine: ${error.message}\n`);
  process.exit(2);
}
if (!request.plain) hasten();
process.stdout.write(`${JSON.stringify(compose(request.subgraphs))}\n`);
