import { operationOfName, PathTemplates } from '../../catalogs/learn.js';
import type { Catalog } from '../../catalogs/match.js';
import { objectsOf } from '../../catalogs/objects.js';
import type { Observation, Operation, Place } from '../../core/observation.js';
import type { Sighting } from '../../detectors/contract.js';
import type { Geo } from '../../engine/ports.js';
import type { LogRecord } from '../../wire/logs/record.js';
import { parseTarget } from '../../wire/request-target.js';

const NOWHERE: Place = { kind: 'unknown' };
const NONE: readonly string[] = [];
/** Names and paths whose operation is kept at hand; beyond, they are looked up again. */
const CACHED_MAX = 65_536;

/** Turns what a log tells into what the detector judges, as the guard does with a live request. */
export class LogObserver {
  readonly #catalog: Catalog | undefined;
  readonly #geo: Geo | undefined;
  readonly #templates = new PathTemplates();
  readonly #named = new Map<string, Operation>();
  /** Observations so far that a catalog was there for, and those whose operation it knows. */
  looked = 0;
  known = 0;

  constructor(catalog: Catalog | undefined, geo: Geo | undefined) {
    this.#catalog = catalog;
    this.#geo = geo;
  }

  sightingOf(record: LogRecord): Sighting {
    const { operation, objects } = this.#operationOf(record);
    if (this.#catalog !== undefined) {
      this.looked += 1;
      if (this.#catalog.describe(operation) !== undefined) this.known += 1;
    }
    const observation: Observation = {
      timeMs: record.timeMs,
      upstream: '',
      method: record.method ?? '',
      path: record.path ?? '',
      operation,
      address: record.address ?? '',
      place:
        record.address === undefined || this.#geo === undefined ? NOWHERE : this.#geo.lookup(record.address),
      userAgent: record.userAgent ?? '',
      objects,
      bodyBytes: record.bytesIn,
    };
    const { key, tenant, principal, status, bytesOut, latencyMs } = record;
    return { actor: { key, tenant, principal }, observation, outcome: { status, bytesOut, latencyMs } };
  }

  #operationOf(record: LogRecord): { operation: Operation; objects: readonly string[] } {
    const { operation: name, method = '', path, objects } = record;
    if (name !== undefined) return { operation: this.#byName(name), objects: objects ?? NONE };
    const target = path === undefined ? undefined : parseTarget(path, 'forward');
    if (target?.kind !== 'done')
      return { operation: this.#byName(method || 'request'), objects: objects ?? NONE };
    const { segments } = target;
    const matched = this.#catalog?.match(method, segments);
    if (matched !== undefined && this.#catalog?.describe(matched) !== undefined)
      return { operation: matched, objects: objects ?? objectsOf(matched, segments) };
    const learned = this.#templates.templateOf(method, segments);
    return { operation: learned.operation, objects: objects ?? learned.objects };
  }

  #byName(name: string): Operation {
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    const operation = this.#catalog?.byName(name) ?? operationOfName(name);
    if (this.#named.size < CACHED_MAX) this.#named.set(name, operation);
    return operation;
  }
}
