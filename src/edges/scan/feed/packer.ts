import type { Operation } from '../../../core/observation.js';
import type { Actor, Sighting } from '../../../detectors/contract.js';
import { type Symbols, symbolsOf } from '../../../detectors/symbols.js';
import { owned } from '../../../wire/logs/fields.js';
import { type CallSource, type Names, noNames, type PackedRows, ROW, ROW_NUMBERS } from './rows.js';
import { writeSymbols } from './symbol-row.js';

/** Rows that travel together, at most. */
export const PACKED_ROWS_MAX = 4096;
/** Names of one kind that are kept at hand; beyond, all begin anew. */
const NAMES_MAX = 65_536;
const ROWS_MIN = 256;
const OBJECTS_MIN = 1024;

/** Reduces sightings to rows of numbers, and their texts to names that are sent once. */
export class Packer {
  #numbers = new Float64Array(ROWS_MIN * ROW_NUMBERS);
  #objects = new Int32Array(OBJECTS_MIN);
  #count = 0;
  #objectsEnd = 0;
  #fresh = noNames();
  #restart = false;
  readonly #ids = new NameIds();

  get full(): boolean {
    return this.#count === PACKED_ROWS_MAX;
  }

  add(sighting: Sighting, line: number): void {
    const { actor, observation, outcome } = sighting;
    const symbols = symbolsOf(actor, observation, outcome);
    if (this.#count === 0 && this.#ids.full) this.#forget();
    const at = this.#count * ROW_NUMBERS;
    if (at === this.#numbers.length) this.#numbers = grown(this.#numbers, at * 2, Float64Array);
    const numbers = this.#numbers;
    writeSymbols(symbols, numbers, at);
    numbers[at + ROW.line] = line;
    numbers[at + ROW.actor] = this.#ids.actor(actor, this.#fresh);
    numbers[at + ROW.operation] = this.#ids.operation(observation.operation, this.#fresh);
    numbers[at + ROW.source] = this.#ids.source(observation, this.#fresh);
    numbers[at + ROW.agent] = this.#ids.agent(observation.userAgent, this.#fresh);
    numbers[at + ROW.bodyBytes] = observation.bodyBytes ?? Number.NaN;
    numbers[at + ROW.status] = outcome?.status ?? Number.NaN;
    numbers[at + ROW.bytesOut] = outcome?.bytesOut ?? Number.NaN;
    numbers[at + ROW.objectsEnd] = this.#addObjects(symbols);
    this.#count += 1;
  }

  /** What was added since the last time, even if it is nothing. */
  take(file: string, bytesRead: number): PackedRows {
    const packed: PackedRows = {
      file,
      count: this.#count,
      numbers: this.#numbers.slice(0, this.#count * ROW_NUMBERS),
      objects: this.#objects.slice(0, this.#objectsEnd),
      restart: this.#restart,
      fresh: this.#fresh,
      bytesRead,
    };
    this.#count = 0;
    this.#objectsEnd = 0;
    this.#fresh = noNames();
    this.#restart = false;
    return packed;
  }

  #addObjects({ objects }: Symbols): number {
    for (const object of objects) {
      const end = this.#objectsEnd;
      if (end === this.#objects.length) this.#objects = grown(this.#objects, end * 2, Int32Array);
      this.#objects[end] = object;
      this.#objectsEnd = end + 1;
    }
    return this.#objectsEnd;
  }

  #forget(): void {
    this.#ids.clear();
    this.#restart = true;
  }
}

function grown<Numbers extends Float64Array | Int32Array>(
  from: Numbers,
  length: number,
  kind: new (length: number) => Numbers,
): Numbers {
  const to = new kind(length);
  to.set(from);
  return to;
}

/** Numbers of names that were sent. */
class NameIds {
  readonly #actors = new Map<string, { readonly actor: Actor; readonly id: number }>();
  /** Of keys that come with several tenants or principals. */
  readonly #otherActors = new Map<string, number>();
  #actorCount = 0;
  readonly #operations = new Map<Operation, number>();
  readonly #sources = new Map<string, number>();
  readonly #agents = new Map<string, number>();

  get full(): boolean {
    const sizes = [this.#actorCount, this.#operations.size, this.#sources.size, this.#agents.size];
    return Math.max(...sizes) >= NAMES_MAX;
  }

  clear(): void {
    this.#actors.clear();
    this.#otherActors.clear();
    this.#actorCount = 0;
    this.#operations.clear();
    this.#sources.clear();
    this.#agents.clear();
  }

  actor(actor: Actor, fresh: Names): number {
    const known = this.#actors.get(actor.key);
    if (known === undefined) {
      const kept = ownedActor(actor);
      const id = this.#newActor(kept, fresh);
      this.#actors.set(kept.key, { actor: kept, id });
      return id;
    }
    if (known.actor.tenant === actor.tenant && known.actor.principal === actor.principal) return known.id;
    const name = JSON.stringify([actor.key, actor.tenant, actor.principal]);
    let id = this.#otherActors.get(name);
    if (id === undefined) {
      id = this.#newActor(ownedActor(actor), fresh);
      this.#otherActors.set(name, id);
    }
    return id;
  }

  operation(operation: Operation, fresh: Names): number {
    const known = this.#operations.get(operation);
    if (known !== undefined) return known;
    fresh.operations.push(operation);
    const id = this.#operations.size;
    this.#operations.set(operation, id);
    return id;
  }

  /** What place an address is in does not change during a scan. */
  source({ address, place }: CallSource, fresh: Names): number {
    const known = this.#sources.get(address);
    if (known !== undefined) return known;
    const kept = owned(address);
    fresh.sources.push({ address: kept, place });
    const id = this.#sources.size;
    this.#sources.set(kept, id);
    return id;
  }

  agent(agent: string, fresh: Names): number {
    const known = this.#agents.get(agent);
    if (known !== undefined) return known;
    const kept = owned(agent);
    fresh.agents.push(kept);
    const id = this.#agents.size;
    this.#agents.set(kept, id);
    return id;
  }

  #newActor(actor: Actor, fresh: Names): number {
    fresh.actors.push(actor);
    this.#actorCount += 1;
    return this.#actorCount - 1;
  }
}

function ownedActor({ key, tenant, principal }: Actor): Actor {
  return {
    key: owned(key),
    ...(tenant === undefined ? {} : { tenant: owned(tenant) }),
    ...(principal === undefined ? {} : { principal: owned(principal) }),
  };
}
