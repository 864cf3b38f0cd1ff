// The library makes the name of an enum value of each subgraph's name. A name that begins with other letters than ASCII's, such as 日本,
// becomes one that is reserved. Such a subgraph goes under another name to the library, and has its own again in the answer.

const REFUSED = /^(?:[^A-Za-z0-9_]|_.)/;

/** The subgraphs as the library takes them, and what gives an answer their names back. */
export function renamed(subgraphs) {
  const names = new Map();
  const taken = new Set(subgraphs.map(({ name }) => name));
  const given = subgraphs.map((subgraph) => {
    if (!REFUSED.test(subgraph.name)) return subgraph;
    // It ends in a dot, so that none is the beginning of another; two of one name stay two of one name.
    let alias = `subgraph-${subgraphs.findIndex(({ name }) => name === subgraph.name) + 1}.`;
    while (taken.has(alias)) alias = `${alias}.`;
    names.set(alias, subgraph.name);
    return { ...subgraph, name: alias };
  });
  return { given, restored: (answer) => (names.size > 0 ? restored(answer, names) : answer) };
}

function restored(answer, names) {
  const own = (name) => names.get(name) ?? name;
  const inText = (text) => [...names].reduce((told, [alias, name]) => told.replaceAll(alias, () => name), text);
  const inSdl = (sdl) =>
    [...names].reduce((told, [alias, name]) => told.replaceAll(`name: "${alias}"`, () => `name: ${JSON.stringify(name)}`), sdl);
  return {
    ...answer,
    supergraph: answer.supergraph && inSdl(answer.supergraph),
    errors: answer.errors.map((error) => ({
      ...error,
      message: inText(error.message),
      subgraph: own(error.subgraph),
      locations: error.locations.map((at) => ({ ...at, subgraph: own(at.subgraph) })),
    })),
  };
}
