import type { Operation, Place } from '../../../core/observation.js';
import type { Actor, Sighting } from '../../../detectors/contract.js';
import type { Symbols } from '../../../detectors/symbols.js';
import { readSymbols, SYMBOL_COLUMNS, TIME_COLUMN } from './symbol-row.js';

/** Where a call came from. */
export interface CallSource {
  readonly address: string;
  readonly place: Place;
}

/** What rows speak of by number: each is sent once. */
export interface Names {
  readonly actors: Actor[];
  readonly operations: Operation[];
  readonly sources: CallSource[];
  readonly agents: string[];
}

export function noNames(): Names {
  return { actors: [], operations: [], sources: [], agents: [] };
}

/** Numbers of a row beside its symbols. NaN where the log does not say. */
export const ROW = Object.fromEntries(
  [
    'line',
    'actor',
    'operation',
    'source',
    'agent',
    'bodyBytes',
    'status',
    'bytesOut',
    /** Where the row's objects end. */
    'objectsEnd',
  ].map((name, at) => [name, SYMBOL_COLUMNS.length + at]),
) as Readonly<
  Record<
    'line' | 'actor' | 'operation' | 'source' | 'agent' | 'bodyBytes' | 'status' | 'bytesOut' | 'objectsEnd',
    number
  >
>;
export const ROW_NUMBERS = SYMBOL_COLUMNS.length + Object.keys(ROW).length;

/** Observations of one file as numbers, in the order of its lines: cheap to hand to another thread. */
export interface PackedRows {
  readonly file: string;
  readonly count: number;
  /** {@link ROW_NUMBERS} of each row. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** Hashes of objects, of all rows one after the other. */
  readonly objects: Int32Array<ArrayBuffer>;
  /** Names begin anew: earlier ones are not spoken of any more. */
  readonly restart: boolean;
  /** Names that come with these rows. */
  readonly fresh: Names;
  /** Bytes of the files themselves that were read so far. */
  readonly bytesRead: number;
}

const NO_OBJECTS: readonly number[] = [];

/** Packed rows with the names that they speak of. */
export class Rows {
  readonly #packed: PackedRows;
  readonly #names: Names;

  constructor(packed: PackedRows, names: Names) {
    this.#packed = packed;
    this.#names = names;
  }

  get file(): string {
    return this.#packed.file;
  }

  get count(): number {
    return this.#packed.count;
  }

  get bytesRead(): number {
    return this.#packed.bytesRead;
  }

  timeMs(row: number): number {
    return this.#packed.numbers[row * ROW_NUMBERS + TIME_COLUMN] as number;
  }

  line(row: number): number {
    return this.#number(row, ROW.line);
  }

  symbols(row: number): Symbols {
    const { numbers, objects } = this.#packed;
    const start = row === 0 ? 0 : this.#number(row - 1, ROW.objectsEnd);
    const end = this.#number(row, ROW.objectsEnd);
    if (start === end) return readSymbols(numbers, row * ROW_NUMBERS, NO_OBJECTS);
    const some: number[] = [];
    for (let at = start; at < end; at++) some.push(objects[at] as number);
    return readSymbols(numbers, row * ROW_NUMBERS, some);
  }

  actor(row: number): Actor {
    return this.#names.actors[this.#number(row, ROW.actor)] as Actor;
  }

  operation(row: number): Operation {
    return this.#names.operations[this.#number(row, ROW.operation)] as Operation;
  }

  /** As it was observed, but for what nobody asks for any more: method, path and the text of objects. */
  sighting(row: number): Sighting {
    const { address, place } = this.#names.sources[this.#number(row, ROW.source)] as CallSource;
    return {
      actor: this.actor(row),
      observation: {
        timeMs: this.timeMs(row),
        upstream: '',
        method: '',
        path: '',
        operation: this.operation(row),
        address,
        place,
        userAgent: this.#names.agents[this.#number(row, ROW.agent)] as string,
        objects: [],
        bodyBytes: this.#count(row, ROW.bodyBytes),
      },
      outcome: { status: this.#count(row, ROW.status), bytesOut: this.#count(row, ROW.bytesOut) },
    };
  }

  #number(row: number, column: number): number {
    return this.#packed.numbers[row * ROW_NUMBERS + column] as number;
  }

  #count(row: number, column: number): number | undefined {
    const value = this.#number(row, column);
    return Number.isNaN(value) ? undefined : value;
  }
}

/** Gives packed rows their names back. Rows must come in the order in which they were packed. */
export class Unpacker {
  #names = noNames();

  rows(packed: PackedRows): Rows {
    // Rows that are still held keep the names that they came with.
    if (packed.restart) this.#names = noNames();
    const { actors, operations, sources, agents } = packed.fresh;
    append(this.#names.actors, actors);
    append(this.#names.operations, operations);
    append(this.#names.sources, sources);
    append(this.#names.agents, agents);
    return new Rows(packed, this.#names);
  }
}

function append<Name>(to: Name[], fresh: readonly Name[]): void {
  for (const each of fresh) to.push(each);
}
