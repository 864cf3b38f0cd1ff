// Makes the library's search for a way between subgraphs fit for hundreds of them that share a type.
//
// The library looks along every key of every subgraph, also when the field has been found, and collects the keys of a node anew each
// time: with n subgraphs around one entity it takes time as n to the power of five. Three changes, none of which may change a verdict:
//
//   - the keys of a node are collected once, because the graph does not change while it is searched;
//   - subgraphs that are done with are kept in a set instead of a list;
//   - subgraphs that have the field are asked first; when all of them are reached (or one, where the field is a leaf, behind which
//     nothing lies), nobody else is asked. Where that does not suffice, everybody is.
//
// What is told beside an error may differ, because the library remembers what it tried on the way. It reaches into the library's own
// files, so its version is pinned, and tests hold its answers against those of the library as it is.
import { Graph } from "../node_modules/@theguild/federation-composition/esm/supergraph/validation/rules/satisfiablity/graph.js";
import { LazyErrors } from "../node_modules/@theguild/federation-composition/esm/supergraph/validation/rules/satisfiablity/errors.js";
import { isAbstractEdge } from "../node_modules/@theguild/federation-composition/esm/supergraph/validation/rules/satisfiablity/edge.js";
import { PathFinder } from "../node_modules/@theguild/federation-composition/esm/supergraph/validation/rules/satisfiablity/finder.js";

const plain = { indirectEdges: Graph.prototype.indirectEdgesOfHead, search: PathFinder.prototype.findIndirectPaths };
const FIELD = "field__";

/** What the library keeps in a list, as a set. */
class Names extends Set {
  includes(name) {
    return this.has(name);
  }
  push(name) {
    this.add(name);
  }
}

/** From now on, search in this way. */
export function hasten() {
  Graph.prototype.indirectEdgesOfHead = remembered(plain.indirectEdges);
  const holders = remembered(fieldHolders);
  const leading = remembered(byGraph);
  PathFinder.prototype.findIndirectPaths = function (...asked) {
    const [path, , fieldName] = asked;
    if (fieldName === null) return plain.search.apply(this, asked);
    const having = holders.call(this.graph, this.graph).get(fieldName);
    const near = having && leading.call(this.graph, end(path));
    return (near && directly(this, near, having, asked)) || thoroughly(this, asked);
  };
}

function end(path) {
  return path.tail() ?? path.rootNode();
}

/** The ways to `having`, the subgraphs that have the field, by one of the keys `near` each; null where a longer search could find more. */
function directly(finder, near, having, [path, typeName, fieldName, edges, graphs, fields, labels]) {
  const [paths, resolved, errors] = [[], new Names(), new LazyErrors()];
  for (const edge of leadingTo(near, having)) {
    if (graphs.includes(edge.tail.graphName) || edges.includes(edge)) continue;
    finder.findFieldIndirectly(path, typeName, fieldName, edges, graphs, fields, labels, errors, paths, [], resolved, edge);
    if (paths[0]?.tail().isLeaf) return { success: true, paths, errors: undefined };
  }
  if (paths.length === 0) return null;
  for (const graph of having) if (!resolved.has(graph) && !graphs.includes(graph)) return null;
  return { success: true, paths, errors: undefined };
}

/** All ways to the field, over any number of subgraphs; the last that was found is followed first. */
function thoroughly(finder, [path, typeName, fieldName, edges, graphs, fields, labels]) {
  const [paths, resolved, errors, source] = [[], new Names(), new LazyErrors(), end(path).graphName];
  const left = [[graphs, fields, path]];
  while (left.length > 0) {
    const [passed, used, at] = left.pop();
    for (const edge of finder.graph.indirectEdgesOfHead(end(at))) {
      const to = edge.tail.graphName;
      if (resolved.has(to) || (to === source && !isAbstractEdge(edge)) || passed.includes(to) || edges.includes(edge)) continue;
      finder.findFieldIndirectly(at, typeName, fieldName, edges, passed, used, labels, errors, paths, left, resolved, edge);
    }
  }
  return paths.length > 0 ? { success: true, paths, errors: undefined } : { success: false, errors, paths: undefined };
}

/** The keys, in their order, that lead to one of `having`. */
function leadingTo(near, having) {
  const [only] = having;
  return having.size === 1 ? (near.to.get(only) ?? []) : near.every.filter((edge) => having.has(edge.tail.graphName));
}

/** The keys that lead from a node to other subgraphs, all and by subgraph; null where a move inside its subgraph could come before. */
function byGraph(head) {
  const every = this.indirectEdgesOfHead(head);
  if (every.some((edge) => edge.tail.graphName === head.graphName)) return null;
  const to = new Map();
  for (const edge of every) to.set(edge.tail.graphName, [...(to.get(edge.tail.graphName) ?? []), edge]);
  return { every, to };
}

/** Field name -> the subgraphs in which any type has a field of that name. */
function fieldHolders(graph) {
  const holders = new Map();
  for (const node of graph.nodesByTypeIndex.flat()) {
    for (const id of node.childrenIndex.keys()) {
      if (!id.startsWith(FIELD)) continue;
      const name = id.slice(FIELD.length);
      holders.set(name, (holders.get(name) ?? new Set()).add(node.graphName));
    }
  }
  return holders;
}

/** A function of one object that is run once for each. */
function remembered(method) {
  const known = new WeakMap();
  return function (about) {
    if (!known.has(about)) known.set(about, method.call(this, about));
    return known.get(about);
  };
}
