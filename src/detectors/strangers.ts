import { mix } from './hash.js';

/** Sources remembered; the one not seen for longest goes first. */
const SOURCES_MAX = 65_536;
/** Keys remembered of one source. */
const KEYS_MAX = 32;
const WINDOW_MS = 3 * 86_400_000;
/** A further key of a tenant that the source has visited: offices and pipelines move with all their keys. */
const SAME_TENANT = 0.2;
const NATS_PER_KEY_MAX = 4;
/** What a key counts that came with the tool it always had: vendors move with the keys of all their customers. */
const OWN_TOOL = 0.3;

interface Visit {
  readonly key: number;
  readonly tenant: number;
  readonly timeMs: number;
  readonly nats: number;
}

/**
 * The view across keys: one source that comes with many keys, to all of which it is new. Each key alone shows
 * one odd call; together they are a harvest that somebody tries out. Days of memory only, so not part of a
 * baseline.
 */
export class Strangers {
  readonly #sources = new Map<number, Visit[]>();

  /**
   * @param source hash of where the call comes from
   * @param key hash of the key
   * @param tenant hash of its tenant, 0 where unknown
   * @param nats how new the source is to this key, above 0
   * @param ownTool the key comes with a client that it is known for
   * @returns nats of the other keys that the source is new to, and their number
   */
  visit(
    source: number,
    key: number,
    tenant: number,
    timeMs: number,
    nats: number,
    ownTool: boolean,
  ): { nats: number; keys: number } {
    let visits = this.#sources.get(source);
    if (visits === undefined) visits = [];
    else this.#sources.delete(source);
    const recent = visits.filter((each) => timeMs - each.timeMs < WINDOW_MS);
    if (!recent.some((each) => each.key === key) && recent.length < KEYS_MAX)
      recent.push({ key, tenant, timeMs, nats: (ownTool ? OWN_TOOL : 1) * Math.min(NATS_PER_KEY_MAX, nats) });
    this.#sources.set(source, recent);
    if (this.#sources.size > SOURCES_MAX) this.#sources.delete(this.#sources.keys().next().value as number);
    return others(recent, key);
  }
}

function others(visits: readonly Visit[], key: number): { nats: number; keys: number } {
  const tenants = new Set(visits.filter((each) => each.key === key).map(tenantOf));
  let nats = 0;
  let keys = 0;
  for (const visit of visits) {
    if (visit.key === key) continue;
    keys += 1;
    nats += visit.nats * (tenants.has(tenantOf(visit)) ? SAME_TENANT : 1);
    tenants.add(tenantOf(visit));
  }
  return { nats, keys };
}

/** A key without a tenant is a tenant of its own. */
function tenantOf({ key, tenant }: Visit): number {
  return tenant === 0 ? mix(key) : tenant;
}
