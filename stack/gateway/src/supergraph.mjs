import { createHash, randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { composeServices } from "@theguild/federation-composition";
import { parse, Source } from "graphql";

const SHOWN_ERRORS = 5;

/**
 * The supergraph of these subgraphs, each at the address `addressOf(name)`: the real ones change with every run and are put in
 * when a request is sent, so that the composition, half of the gateway's start, can be kept in the folder `cache`.
 * Throws with the first composition errors when they do not fit together.
 */
export function composed(subgraphs, cache) {
  const kept = cache && join(cache, `supergraph-${keyOf(subgraphs)}.graphql`);
  return (kept && read(kept)) || write(kept, compose(subgraphs));
}

/** Where the supergraph says that a subgraph is. */
export function addressOf(name) {
  return `http://${encodeURIComponent(name)}.subgraph.invalid/graphql`;
}

function compose(subgraphs) {
  const services = subgraphs.map(({ name, sdl }) => ({ name, url: addressOf(name), typeDefs: parse(new Source(sdl, name)) }));
  const { supergraphSdl, errors } = composeServices(services);
  if (errors?.length) {
    const shown = errors.slice(0, SHOWN_ERRORS).map((error) => error.message);
    throw new Error(`the subgraphs do not compose (${errors.length} errors): ${shown.join("; ")}`);
  }
  return supergraphSdl;
}

/** What composes is part of this bundle, so a new bundle composes anew. */
function keyOf(subgraphs) {
  const hash = createHash("sha256").update(readFileSync(process.argv[1]));
  for (const { name, sdl } of subgraphs) hash.update(JSON.stringify([name, sdl]));
  return hash.digest("hex").slice(0, 32);
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

/** In one step, so that a reader at the same moment finds all of it or nothing. A cache that cannot be written only costs time. */
function write(file, text) {
  if (!file) return text;
  try {
    const work = `${file}.${randomBytes(6).toString("hex")}`;
    writeFileSync(work, text, { mode: 0o600 });
    renameSync(work, file);
  } catch {
    // Composed anew next time.
  }
  return text;
}
