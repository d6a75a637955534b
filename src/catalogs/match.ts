import type { Operation, Privilege } from '../core/observation.js';

/** One operation of a catalog: `GET /api/systemusers/{id}`. */
export interface CatalogOperation {
  readonly name: string;
  readonly method: string;
  /** Segments in braces match anything. */
  readonly path: string;
  readonly privilege: Privilege;
}

interface Node {
  readonly literals: Map<string, Node>;
  /** Segments with text around a parameter, such as `{id}.json`. */
  readonly patterns: { readonly text: string; readonly pattern: RegExp; readonly node: Node }[];
  parameter: Node | undefined;
  readonly operations: Map<string, Operation>;
}

/**
 * Finds the operation of a request by method and path. Letter case, trailing slashes and empty segments do
 * not count (real clients vary them); a literal segment beats a pattern, and that a parameter.
 */
export class Catalog {
  readonly #root = node();
  readonly #unknown = new Map<string, Operation>();
  readonly size: number;
  readonly operations: readonly CatalogOperation[];

  constructor(operations: readonly CatalogOperation[]) {
    for (const operation of operations) this.#add(operation);
    this.operations = operations;
    this.size = operations.length;
  }

  /** @param segments normalised: lower-case, decoded, none empty. */
  match(method: string, segments: readonly string[]): Operation {
    return find(this.#root, method, segments, 0) ?? this.#unmatched(method);
  }

  #add(operation: CatalogOperation): void {
    let at = this.#root;
    for (const segment of operation.path.split('/')) {
      if (segment === '') continue;
      at = childOf(at, segment.toLowerCase());
    }
    at.operations.set(operation.method, {
      name: operation.name,
      template: `${operation.method} ${operation.path}`,
      privilege: operation.privilege,
    });
  }

  #unmatched(method: string): Operation {
    const known = this.#unknown.get(method);
    if (known !== undefined) return known;
    const operation: Operation = {
      name: `unknown.${method.toLowerCase()}`,
      template: method,
      privilege: privilegeOfMethod(method),
    };
    if (this.#unknown.size < METHODS_MAX) this.#unknown.set(method, operation);
    return operation;
  }
}

const METHODS_MAX = 64;

function node(): Node {
  return { literals: new Map(), patterns: [], parameter: undefined, operations: new Map() };
}

/** The node below for a segment of a template, made where it is not there yet. */
function childOf(at: Node, segment: string): Node {
  if (/^\{[^{}]*\}$/.test(segment)) {
    at.parameter ??= node();
    return at.parameter;
  }
  if (!/\{[^{}]*\}/.test(segment)) {
    const next = at.literals.get(segment) ?? node();
    at.literals.set(segment, next);
    return next;
  }
  const parts = segment.split(/\{[^{}]*\}/);
  const text = parts.join('{}');
  const known = at.patterns.find((each) => each.text === text);
  if (known !== undefined) return known.node;
  const source = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+');
  const added = { text, pattern: new RegExp(`^${source}$`, 's'), node: node() };
  at.patterns.push(added);
  return added.node;
}

function find(at: Node, method: string, segments: readonly string[], depth: number): Operation | undefined {
  if (depth === segments.length)
    return at.operations.get(method) ?? (method === 'HEAD' ? at.operations.get('GET') : undefined);
  const segment = segments[depth] as string;
  const literal = at.literals.get(segment);
  const found = literal === undefined ? undefined : find(literal, method, segments, depth + 1);
  if (found !== undefined) return found;
  for (const { pattern, node: below } of at.patterns) {
    const matched = pattern.test(segment) ? find(below, method, segments, depth + 1) : undefined;
    if (matched !== undefined) return matched;
  }
  return at.parameter === undefined ? undefined : find(at.parameter, method, segments, depth + 1);
}

/** What an operation may do when no catalog says: reads 1, writes 2, deletes 3. */
export function privilegeOfMethod(method: string): Privilege {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
    case 'TRACE':
      return 1;
    case 'DELETE':
      return 3;
    default:
      return 2;
  }
}
