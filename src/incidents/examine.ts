import type { KeyRecord } from '../core/key.js';
import type { KeyRadius } from './blast-radius.js';
import { type ExactSet, exactSet, lineage, networksOf } from './exact-set.js';
import type { Trail } from './incident.js';
import { investigate, type SliceJournal } from './investigate.js';

const DAY_MS = 86_400_000;

/** What the exact set has to know of a key. */
export type KeyFacts = Pick<KeyRecord, 'id' | 'tenant' | 'createdMs' | 'issuedWith' | 'replaces' | 'revoked'>;

/** What is asked about suspect keys. Plain data, so that another thread can answer it. */
export interface Examination {
  /** Folders of journals: one for each gateway. */
  readonly journals: readonly string[];
  readonly trails: readonly Trail[];
  /** Keys that an operator named. */
  readonly asked: readonly string[];
  /** First finding. */
  readonly firstMs: number;
}

export interface Examined {
  readonly radii: readonly KeyRadius[];
  readonly set: ExactSet;
  readonly entries: number;
  readonly dropped: number;
  readonly milliseconds: number;
}

export function factsOfKey({ id, tenant, createdMs, issuedWith, replaces, revoked }: KeyRecord): KeyFacts {
  return {
    ...{ id, tenant, createdMs },
    ...(issuedWith === undefined ? {} : { issuedWith }),
    ...(replaces === undefined ? {} : { replaces }),
    ...(revoked === undefined ? {} : { revoked }),
  };
}

/** Blast radius of each suspect key, and the exact set among all keys. */
export async function examine(
  { journals, trails, asked, firstMs }: Examination,
  keys: readonly KeyFacts[],
  slice: SliceJournal,
): Promise<Examined> {
  const suspects = new Set([...asked, ...trails.map(({ key }) => key)]);
  const descendants = lineage(keys, suspects, firstMs - DAY_MS).map(({ child }) => child);
  const question = {
    ...{ journals, trails, firstMs, networks: [...networksOf(trails).keys()] },
    keys: [...suspects, ...descendants],
  };
  let answer = await investigate(question, slice);
  let { milliseconds } = answer;
  let set = exactSet({ ...answer, firstMs, trails, keys, asked });
  // Keys that only their place gave away: what did they do?
  const known = new Set(question.keys);
  const found = set.contain.map(({ key }) => key).filter((key) => !known.has(key));
  if (found.length > 0) {
    answer = await investigate({ ...question, keys: [...question.keys, ...found] }, slice);
    milliseconds += answer.milliseconds;
    set = withReasons(exactSet({ ...answer, firstMs, trails, keys, asked: [...asked, ...found] }), set);
  }
  const { radii, entries, dropped } = answer;
  return { radii, set, entries, dropped, milliseconds };
}

/** The second look knows which keys, the first one knew why. */
function withReasons(second: ExactSet, first: ExactSet): ExactSet {
  const why = new Map(first.contain.map((each) => [each.key, each.why]));
  return {
    ...second,
    contain: second.contain.map((each) => ({ ...each, why: why.get(each.key) ?? each.why })),
  };
}
