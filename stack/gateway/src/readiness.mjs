const PROBE_MS = 2_000;

/**
 * A function that asks every subgraph whether it is ready: `{ready, subgraphs: {name: "ready" | "unready" | "unreachable"}}`.
 * Callers that ask at the same time share one round; nothing is answered from memory.
 */
export function createReadiness(subgraphs) {
  let round = null;
  return () => {
    round ??= probeAll(subgraphs).finally(() => {
      round = null;
    });
    return round;
  };
}

async function probeAll(subgraphs) {
  const states = await Promise.all(subgraphs.map(async ({ name, ready }) => [name, await probe(ready)]));
  return { ready: states.every(([, state]) => state === "ready"), subgraphs: Object.fromEntries(states) };
}

async function probe(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS) });
    await response.arrayBuffer();
    return response.ok ? "ready" : "unready";
  } catch {
    return "unreachable";
  }
}
