import { readConfig } from "./config.mjs";
import { createVerifier } from "./identity.mjs";
import { createReadiness } from "./readiness.mjs";
import { listen } from "./server.mjs";

/**
 * Serve what the configuration file at `path` says, with the schema that `schemaOf(config)` gives: listens on 127.0.0.1 unless it
 * says otherwise, and prints one line: {"listening": port}, or {"failed": "why"}.
 * The process ends when its standard input does, so that it never outlives whoever started it.
 */
export async function serve(path, schemaOf) {
  process.stdin.resume();
  for (const event of ["end", "close", "error"]) process.stdin.on(event, () => process.exit());
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
  try {
    const config = readConfig(path);
    const port = await listen({
      where: config.listener === undefined ? { port: config.port, host: config.host } : { fd: config.listener },
      schema: schemaOf(config),
      verify: await createVerifier(config.jwt),
      ready: createReadiness(config.subgraphs),
    });
    say({ listening: port });
    // The first request would wait until Node has loaded its HTTP client: better now, while nobody asks.
    fetch("data:,").catch(() => {});
  } catch (error) {
    say({ failed: error.message });
    process.exitCode = 1;
    process.stdin.destroy();
  }
}

function say(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
