/** The request of stdin, checked: a wrong shape is named instead of failing somewhere inside the library. */
export function readRequest(text) {
  const request = JSON.parse(text);
  if (!Array.isArray(request?.subgraphs)) throw new Error('expected {"subgraphs": [...]}');
  request.subgraphs.forEach((subgraph, index) => {
    for (const key of ["name", "sdl"]) {
      if (typeof subgraph?.[key] !== "string") throw new Error(`subgraphs[${index}].${key} is not a string`);
    }
  });
  return request;
}
