import type { Operation } from '../core/observation.js';
import { placeholderOf } from './id-shape.js';
import { objectsOf } from './objects.js';
import { privilegeOfName, privilegeOfPath } from './privilege.js';

export interface LearnedOperation {
  /** Named by its template: `GET /users/{id}/keys`. */
  readonly operation: Operation;
  /** The values of the template's parameters. */
  readonly objects: readonly string[];
}

export interface PathTemplateBounds {
  /** Positions kept, over all paths. */
  readonly nodesMax: number;
  /** Different words at one position before it is asked whether they are ids. */
  readonly wordsSoft: number;
  /** Different words at one position, at most. */
  readonly wordsMax: number;
  /** Segments that are told apart; what follows is the rest. */
  readonly depthMax: number;
}

const BOUNDS: PathTemplateBounds = { nodesMax: 16_384, wordsSoft: 32, wordsMax: 256, depthMax: 12 };
const METHODS_MAX = 12;
/** A word seen this often stays a word when its position turns out to hold ids: `/users/me`. */
const ESTABLISHED_MIN = 20;
const ESTABLISHED_SHARE = 0.05;

interface Node {
  readonly template: string;
  /** Words and `{file}.png`, and `{id}` once there are ids. */
  readonly children: Map<string, Node>;
  words: number;
  wordsLimit: number;
  /** Words that are not known yet are ids. */
  ids: boolean;
  seen: number;
  readonly operations: Map<string, Operation>;
  /** Operations of paths that go on where nothing more is kept. */
  readonly rest: Map<string, Operation>;
}

/** A position as a store keeps it: methods that were used there, and those of paths that go on. */
export interface KeptPosition {
  readonly words: number;
  readonly wordsLimit: number;
  readonly ids: boolean;
  readonly seen: number;
  readonly methods: readonly string[];
  readonly rest: readonly string[];
  readonly children: readonly (readonly [string, KeptPosition])[];
}

/**
 * Templates of paths that no catalog knows, learned as they come (in the manner of Drain, He et al. 2017: a
 * tree of fixed depth with bounded fan-out). A segment is an id by its shape, or because its position has many
 * values and most were seen hardly ever. The answer depends on this path and the earlier ones only, and the
 * same paths give the same answers; memory is bounded by the number of positions.
 *
 * Where it fails: ids that are words (`/users/anna`) are names of operations until 32 of them have come by;
 * with few users they stay so. Above `nodesMax` positions, new paths end in `{rest}`.
 */
export class PathTemplates {
  readonly #bounds: PathTemplateBounds;
  #root: Node;
  #nodes = 1;
  #changes = 0;

  constructor(bounds: Partial<PathTemplateBounds> = {}) {
    this.#bounds = { ...BOUNDS, ...bounds };
    this.#root = this.#node('');
  }

  /** Positions kept. */
  get size(): number {
    return this.#nodes;
  }

  /** How often something new was learned, counts aside. */
  get changes(): number {
    return this.#changes;
  }

  snapshot(): KeptPosition {
    return kept(this.#root);
  }

  restore(position: KeptPosition): void {
    this.#root = this.#restored('', position);
    this.#nodes = count(this.#root);
  }

  #restored(template: string, position: KeptPosition): Node {
    const { methods, rest, children, ...counts } = position;
    const node = { ...this.#node(template), ...counts };
    for (const method of methods) operationAt(node.operations, method, template || '/');
    for (const method of rest) operationAt(node.rest, method, `${template}/{rest+}`);
    for (const [segment, child] of children)
      node.children.set(segment, this.#restored(`${template}/${segment}`, child));
    return node;
  }

  /** @param segments normalised: lower-case, decoded, none empty */
  templateOf(method: string, segments: readonly string[]): LearnedOperation {
    let at = this.#root;
    let depth = 0;
    for (; depth < segments.length && depth < this.#bounds.depthMax; depth += 1) {
      at.seen += 1;
      const next = this.#step(at, segments[depth] as string, depth);
      if (next === undefined) break;
      at = next;
    }
    if (depth === segments.length) at.seen += 1;
    const operation =
      depth === segments.length
        ? operationAt(at.operations, method, at.template || '/')
        : operationAt(at.rest, method, `${at.template}/{rest+}`);
    return { operation, objects: objectsOf(operation, segments) };
  }

  /** Where a segment leads, learned on the way; undefined when nothing more is kept. */
  #step(at: Node, segment: string, depth: number): Node | undefined {
    const known = at.children.get(segment);
    // A word that is known was none of the shapes below; a brace could be taken for a placeholder.
    if (known !== undefined && !segment.startsWith('{')) return known;
    const placeholder = placeholderOf(segment, depth);
    if (placeholder !== undefined) return at.children.get(placeholder) ?? this.#grow(at, placeholder);
    if (!at.ids && at.words >= at.wordsLimit) this.#judge(at);
    if (at.ids) return at.children.get(ID) ?? this.#grow(at, ID);
    const grown = this.#grow(at, segment);
    if (grown !== undefined) at.words += 1;
    return grown;
  }

  /** A position has many words. Ids, when most were seen hardly ever; else resources of a large API. */
  #judge(at: Node): void {
    const words = [...at.children].filter(([word]) => !word.startsWith('{'));
    const rare = words.filter(([, { seen }]) => seen <= 2).length;
    if (at.words < this.#bounds.wordsMax && rare * 2 < words.length) {
      at.wordsLimit = Math.min(at.wordsLimit * 2, this.#bounds.wordsMax);
      return;
    }
    at.ids = true;
    this.#changes += 1;
    // At the root there are resources: no number of probes makes an id of one that is used.
    const share = at === this.#root ? 0 : ESTABLISHED_SHARE;
    const established = Math.max(ESTABLISHED_MIN, at.seen * share);
    const gone = words.filter(([, { seen }]) => seen < established);
    for (const [word, child] of gone) {
      at.children.delete(word);
      at.words -= 1;
      this.#nodes -= count(child);
    }
    // What was below the ids is below `{id}` now.
    const id = at.children.get(ID) ?? this.#grow(at, ID);
    if (id !== undefined) for (const [, child] of gone) this.#merge(id, child);
  }

  #merge(into: Node, from: Node): void {
    into.seen += from.seen;
    into.ids ||= from.ids;
    into.wordsLimit = Math.max(into.wordsLimit, from.wordsLimit);
    for (const [segment, child] of from.children) {
      const word = !segment.startsWith('{');
      const asId = word && into.ids && !into.children.has(segment);
      const known = into.children.get(asId ? ID : segment);
      const next = known ?? this.#grow(into, asId ? ID : segment);
      if (next === undefined) continue;
      if (known === undefined && word && !asId) into.words += 1;
      this.#merge(next, child);
    }
  }

  #grow(at: Node, segment: string): Node | undefined {
    if (this.#nodes >= this.#bounds.nodesMax) return undefined;
    this.#nodes += 1;
    this.#changes += 1;
    const child = this.#node(`${at.template}/${segment}`);
    at.children.set(segment, child);
    return child;
  }

  #node(template: string): Node {
    return {
      template,
      children: new Map(),
      words: 0,
      wordsLimit: this.#bounds.wordsSoft,
      ids: false,
      seen: 0,
      operations: new Map(),
      rest: new Map(),
    };
  }
}

const ID = '{id}';

function kept({ words, wordsLimit, ids, seen, operations, rest, children }: Node): KeptPosition {
  return {
    ...{ words, wordsLimit, ids, seen, methods: [...operations.keys()], rest: [...rest.keys()] },
    children: [...children].map(([segment, child]) => [segment, kept(child)] as const),
  };
}

function count(at: Node): number {
  let nodes = 1;
  for (const child of at.children.values()) nodes += count(child);
  return nodes;
}

function operationAt(operations: Map<string, Operation>, method: string, path: string): Operation {
  const known = operations.get(method);
  if (known !== undefined) return known;
  // An unheard-of method is one more value that a stranger can choose.
  const shown = /^[A-Z]{1,16}$/.test(method) && operations.size < METHODS_MAX ? method : 'OTHER';
  const before = operations.get(shown);
  if (before !== undefined) return before;
  const template = `${shown} ${path}`;
  const segments = path.split('/').filter((segment) => segment !== '');
  const operation: Operation = {
    name: template,
    template,
    privilege: privilegeOfPath(shown, segments).privilege,
  };
  operations.set(shown, operation);
  return operation;
}

/** An operation that a log names and no catalog knows. */
export function operationOfName(name: string): Operation {
  return { name, template: name, privilege: privilegeOfName(name).privilege };
}
