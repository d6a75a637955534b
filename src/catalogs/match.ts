import type { Operation, Privilege } from '../core/observation.js';
import { segmentPattern } from '../core/path-pattern.js';
import type { BodyFields } from './body-fields.js';
import { privilegeOfPath } from './privilege.js';

/** Field names with which an operation may do more than without them. */
export interface Escalation {
  /** Lower or mixed case; `mfa` stands for `mfa.exclusion`, too, and dots lead into nested objects. */
  readonly fields: readonly string[];
  readonly privilege: Privilege;
}

/** One operation of a catalog: `GET /api/systemusers/{id}`. */
export interface CatalogOperation {
  readonly name: string;
  /** Absent where a log tells the operation by name only. */
  readonly method?: string;
  /** Segments in braces match anything; a last `{path+}` matches one segment or more. */
  readonly path?: string;
  /** Without any of the fields of `escalate` in the body. */
  readonly privilege: Privilege;
  /** Why this privilege, in a few words. */
  readonly reason?: string;
  readonly escalate?: Escalation;
}

interface Entry {
  /** What the request may do at worst: the body was not looked into, or has one of the fields. */
  readonly worst: Operation;
  /** What it may do with a body that is known to have none of the fields. */
  readonly plain: Operation;
  /** Lower case. */
  readonly fields: readonly string[];
}

interface Node {
  readonly literals: Map<string, Node>;
  /** Segments with text around a parameter, such as `{id}.json`. */
  readonly patterns: { readonly text: string; readonly pattern: RegExp; readonly node: Node }[];
  parameter: Node | undefined;
  /** What `{path+}` leads to: the rest of the path, whatever its length. */
  rest: Node | undefined;
  readonly entries: Map<string, Entry>;
}

/**
 * Finds the operation of a request by method and path. Letter case, trailing slashes and empty segments do
 * not count (real clients vary them); a literal segment beats a pattern, that a parameter, and that the rest.
 */
export class Catalog {
  readonly #root = node();
  readonly #byName = new Map<string, Operation>();
  readonly #described = new Map<string, CatalogOperation>();
  readonly #unknown = new Map<string, Operation>();
  readonly size: number;
  readonly operations: readonly CatalogOperation[];

  /** @param alsoUnder prefixes under which the same paths are served as well */
  constructor(operations: readonly CatalogOperation[], alsoUnder: readonly string[] = []) {
    for (const operation of operations) {
      const entry = entryOf(operation, operation.path);
      if (!this.#byName.has(nameKey(operation.name))) this.#byName.set(nameKey(operation.name), entry.worst);
      this.#described.set(operation.name, operation);
      if (operation.method === undefined || operation.path === undefined) continue;
      this.#add(operation.method, operation.path, entry);
      for (const prefix of alsoUnder) {
        const path = prefix + operation.path;
        this.#add(operation.method, path, entryOf(operation, path));
      }
    }
    this.operations = operations;
    this.size = operations.length;
  }

  /**
   * @param segments normalised: lower-case, decoded, none empty
   * @param body what is known of the body's fields; absent or unknown counts as the worst case
   */
  match(method: string, segments: readonly string[], body?: BodyFields): Operation {
    const entry = find(this.#root, method, segments, 0);
    if (entry === undefined) return this.#unmatched(method, segments);
    return body === undefined || mayEscalate(entry.fields, body) ? entry.worst : entry.plain;
  }

  /**
   * The operation that a log names: letter case and CloudTrail's API versions (`CreateFunction20150331`) do
   * not count. Its privilege is the worst case: logs do not tell bodies.
   */
  byName(name: string): Operation | undefined {
    return this.#byName.get(nameKey(name));
  }

  /** What the catalog says of an operation that it gave. */
  describe(operation: Operation): CatalogOperation | undefined {
    return this.#described.get(operation.name);
  }

  #add(method: string, path: string, entry: Entry): void {
    let at = this.#root;
    for (const segment of path.split('/')) {
      if (segment === '') continue;
      at = childOf(at, segment.toLowerCase());
    }
    at.entries.set(method, entry);
  }

  #unmatched(method: string, segments: readonly string[]): Operation {
    const { privilege } = privilegeOfPath(method, segments);
    const known = this.#unknown.get(`${privilege}${method}`);
    if (known !== undefined) return known;
    const operation: Operation = { name: `unknown.${method.toLowerCase()}`, template: method, privilege };
    if (this.#unknown.size < UNKNOWN_MAX) this.#unknown.set(`${privilege}${method}`, operation);
    return operation;
  }
}

const UNKNOWN_MAX = 256;

function entryOf(operation: CatalogOperation, path: string | undefined): Entry {
  const { name, method, privilege, escalate } = operation;
  const template = method === undefined ? name : `${method} ${path}`;
  const plain: Operation = { name, template, privilege };
  return escalate === undefined
    ? { worst: plain, plain, fields: [] }
    : {
        worst: { ...plain, privilege: Math.max(privilege, escalate.privilege) as Privilege },
        plain,
        fields: escalate.fields.map((field) => field.toLowerCase()),
      };
}

function mayEscalate(fields: readonly string[], body: BodyFields): boolean {
  return fields.length > 0 && (body.kind === 'unknown' || fieldsIn(body, fields).length > 0);
}

/**
 * Those of `fields` that a body has. They count wherever they stand: servers unwrap what no catalog tells (`user`,
 * `data.attributes`, `$set`).
 */
export function fieldsIn(body: BodyFields, fields: readonly string[]): string[] {
  const names = [...body.names].map((name) => `.${name}.`);
  return fields.filter((field) => names.some((name) => name.includes(`.${field.toLowerCase()}.`)));
}

function nameKey(name: string): string {
  return name.replace(/(?<=[a-z])20\d{6}(?:v\d{1,2})?$/i, '').toLowerCase();
}

function node(): Node {
  return { literals: new Map(), patterns: [], parameter: undefined, rest: undefined, entries: new Map() };
}

/** The node below for a segment of a template, made where it is not there yet. */
function childOf(at: Node, segment: string): Node {
  if (/^\{[^{}]*\+\}$/.test(segment)) {
    at.rest ??= node();
    return at.rest;
  }
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
  const added = { text, pattern: segmentPattern(segment), node: node() };
  at.patterns.push(added);
  return added.node;
}

function find(at: Node, method: string, segments: readonly string[], depth: number): Entry | undefined {
  if (depth === segments.length) return entryFor(at, method);
  const segment = segments[depth] as string;
  const literal = at.literals.get(segment);
  const found = literal === undefined ? undefined : find(literal, method, segments, depth + 1);
  if (found !== undefined) return found;
  for (const { pattern, node: below } of at.patterns) {
    const matched = pattern.test(segment) ? find(below, method, segments, depth + 1) : undefined;
    if (matched !== undefined) return matched;
  }
  const below = at.parameter === undefined ? undefined : find(at.parameter, method, segments, depth + 1);
  return below ?? (at.rest === undefined ? undefined : entryFor(at.rest, method));
}

function entryFor(at: Node, method: string): Entry | undefined {
  return at.entries.get(method) ?? (method === 'HEAD' ? at.entries.get('GET') : undefined);
}
