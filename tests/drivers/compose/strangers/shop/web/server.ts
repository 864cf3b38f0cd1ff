import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import pg from "pg";
import { createClient } from "redis";

type Product = { id: number; name: string };

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 });
const cache = createClient({ url: process.env.REDIS_URL });
await cache.connect();

async function products(): Promise<Product[]> {
  const kept = await cache.get("products");
  if (kept) return JSON.parse(kept);
  const { rows } = await pool.query<Product>("SELECT id, name FROM product ORDER BY id");
  await cache.set("products", JSON.stringify(rows), { EX: 5 });
  return rows;
}

async function answer(request: IncomingMessage): Promise<[number, unknown]> {
  switch (request.url) {
    case "/livez":
      return [200, { status: "ok" }];
    case "/readyz":
      await Promise.all([pool.query("SELECT 1"), cache.ping()]);
      return [200, { status: "ready" }];
    case "/products":
      return [200, await products()];
    default:
      return [404, { error: "not found" }];
  }
}

createServer(async (request: IncomingMessage, response: ServerResponse) => {
  const [status, body] = await answer(request).catch((error: Error): [number, unknown] => [503, { error: error.message }]);
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}).listen(3000, "0.0.0.0");

process.once("SIGTERM", () => process.exit(0));
