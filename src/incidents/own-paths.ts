import { placeholderOf } from '../catalogs/id-shape.js';
import type { JournalCall } from './call.js';

/** Words that one key has at one place of a path, before they count as ids. */
const WORDS_MAX = 32;
/** And how often it has each, on average. */
const USES_MIN = 4;
/** Different paths of one operation that are told apart. */
const PATHS_MAX = 256;
/** Longer values were cut in the journal. */
const VALUE_CHARS_MAX = 127;

const ID = '{id}';
const REST = '{rest+}';

interface Paths {
  calls: number;
  /** Segments with words of this key in place of parameters. */
  own: Map<string, readonly string[]>;
  /** Which parameters are still told apart. */
  words: 'all' | 'root' | 'none';
}

/**
 * Rules for the operations of one key. Templates of paths are learned from all keys, so that what others call, probes among
 * them, can make an id of the name of a resource: `GET /{id}/{id}` allows more than a key has ever done. Where this
 * key has few words in place of an id, and always at the root, the rule names them.
 */
export class OwnPaths {
  readonly #learned = new Map<string, Paths>();
  readonly #named = new Set<string>();

  note({ operation, objects }: Pick<JournalCall, 'operation' | 'objects'>): void {
    if (!operation.includes(' /')) {
      this.#named.add(operation);
      return;
    }
    let paths = this.#learned.get(operation);
    if (paths === undefined) {
      paths = { calls: 0, own: new Map(), words: 'all' };
      this.#learned.set(operation, paths);
    }
    paths.calls += 1;
    keep(paths, segmentsOf(operation), ownSegments(operation, objects));
  }

  rules(): string[] {
    return [...this.#named, ...[...this.#learned].flatMap(([operation, paths]) => rulesOf(operation, paths))];
  }
}

function keep(paths: Paths, learned: readonly string[], own: readonly string[]): void {
  const kept =
    paths.words === 'none'
      ? learned
      : own.map((segment, at) => (paths.words === 'all' || at === 0 ? segment : (learned[at] ?? segment)));
  paths.own.set(kept.join('/'), kept);
  if (paths.own.size <= PATHS_MAX) return;
  paths.words = paths.words === 'all' ? 'root' : 'none';
  const before = paths.own;
  paths.own = new Map();
  for (const each of before.values()) keep(paths, learned, each);
}

function segmentsOf(operation: string): string[] {
  return operation
    .slice(operation.indexOf(' /') + 1)
    .split('/')
    .filter((segment) => segment !== '');
}

function ownSegments(operation: string, objects: readonly string[]): string[] {
  let next = 0;
  return segmentsOf(operation).flatMap((segment, at) => {
    if (segment === ID) return [wordOr(ID, objects[next++], at)];
    if (segment === REST && at === 0) {
      const [first, ...others] = (objects[next++] ?? '').split('/');
      return [wordOr(ID, first, at), ...(others.length === 0 ? [] : [REST])];
    }
    next += segment.split('{').length - 1;
    return [segment];
  });
}

function wordOr(placeholder: string, value: string | undefined, depth: number): string {
  if (value === undefined || value === '' || value.length > VALUE_CHARS_MAX) return placeholder;
  return placeholderOf(value, depth) === undefined ? value : placeholder;
}

function rulesOf(operation: string, { calls, own }: Paths): string[] {
  const method = operation.slice(0, operation.indexOf(' /'));
  const learned = segmentsOf(operation);
  const paths = [...own.values()];
  const isId = learned.map((segment, at) => {
    if (segment !== ID || at === 0) return false;
    const words = new Set(paths.map((path) => path[at]));
    return words.has(ID) || words.size > WORDS_MAX || words.size * USES_MIN > calls;
  });
  const rules = paths.map((path) => path.map((segment, at) => (isId[at] ? ID : escaped(segment))).join('/'));
  return [...new Set(rules)].map((path) => `${method} /${path}`);
}

/** The one character of a word that means something else in a rule. */
function escaped(segment: string): string {
  return segment.replaceAll('*', '%2a');
}
