import { readFileSync } from "node:fs";

/**
 * The configuration: `{"port"? | "listener"?, "host"?, "timeoutMs"?, "cache"?, "subgraphs": [{"name", "url", "ready", "sdl"}],
 * "jwt": {"publicKey", "jwksUrl"?, "issuer", "audience", "algorithm"}}`.
 */
export function readConfig(path) {
  if (!path) throw new Error("usage: node gateway.mjs CONFIG.json");
  const config = JSON.parse(readFileSync(path, "utf8"));
  if (!Array.isArray(config.subgraphs) || config.subgraphs.length === 0) throw new Error(`${path}: no subgraphs`);
  config.subgraphs.forEach((subgraph, index) => {
    requireStrings(path, `subgraphs[${index}]`, subgraph, ["name", "url", "ready", "sdl"]);
  });
  requireStrings(path, "jwt", config.jwt, ["publicKey", "issuer", "audience", "algorithm"]);
  return { port: 0, host: "127.0.0.1", timeoutMs: 10_000, ...config };
}

function requireStrings(path, where, value, keys) {
  for (const key of keys) {
    if (typeof value?.[key] !== "string") throw new Error(`${path}: ${where}.${key} is not a string`);
  }
}
