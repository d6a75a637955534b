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
  parameter: Node | undefined;
  readonly operations: Map<string, Operation>;
}

/**
 * Finds the operation of a request by method and path. Letter case, trailing slashes and empty segments do
 * not count (real clients vary them), and a literal segment beats a parameter.
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
      if (/^\{.*\}$/.test(segment)) {
        at.parameter ??= node();
        at = at.parameter;
      } else {
        const literal = segment.toLowerCase();
        const next: Node = at.literals.get(literal) ?? node();
        at.literals.set(literal, next);
        at = next;
      }
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
  return { literals: new Map(), parameter: undefined, operations: new Map() };
}

function find(at: Node, method: string, segments: readonly string[], depth: number): Operation | undefined {
  if (depth === segments.length)
    return at.operations.get(method) ?? (method === 'HEAD' ? at.operations.get('GET') : undefined);
  const literal = at.literals.get(segments[depth] as string);
  const found = literal === undefined ? undefined : find(literal, method, segments, depth + 1);
  if (found !== undefined) return found;
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
