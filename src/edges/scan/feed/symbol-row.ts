import type { Symbols } from '../../../detectors/symbols.js';

type NumericSymbol = { [Name in keyof Symbols]: Symbols[Name] extends number ? Name : never }[keyof Symbols];

/**
 * The numbers of {@link Symbols} in the order of their columns. A field that is missing here does not compile; it then
 * wants its line in {@link readSymbols} (which does not compile without) and in {@link writeSymbols} (which a test holds
 * against this list).
 */
export const SYMBOL_COLUMNS = Object.keys({
  timeMs: 0,
  hourIndex: 0,
  dayIndex: 0,
  hour: 0,
  weekday: 0,
  client: 0,
  family: 0,
  prefix: 0,
  asn: 0,
  country: 0,
  networkKind: 0,
  source: 0,
  operation: 0,
  privilege: 0,
  component: 0,
  breadth: 0,
  bytesOut: 0,
  status: 0,
  tenant: 0,
  peers: 0,
} satisfies Record<NumericSymbol, 0>) as readonly NumericSymbol[];

const AT = Object.fromEntries(SYMBOL_COLUMNS.map((name, at) => [name, at])) as Record<NumericSymbol, number>;

export const TIME_COLUMN = AT.timeMs;

/** Field by field: a loop over names costs a tenth of the whole scan. */
export function writeSymbols(symbols: Symbols, into: Float64Array, from: number): void {
  into[from + AT.timeMs] = symbols.timeMs;
  into[from + AT.hourIndex] = symbols.hourIndex;
  into[from + AT.dayIndex] = symbols.dayIndex;
  into[from + AT.hour] = symbols.hour;
  into[from + AT.weekday] = symbols.weekday;
  into[from + AT.client] = symbols.client;
  into[from + AT.family] = symbols.family;
  into[from + AT.prefix] = symbols.prefix;
  into[from + AT.asn] = symbols.asn;
  into[from + AT.country] = symbols.country;
  into[from + AT.networkKind] = symbols.networkKind;
  into[from + AT.source] = symbols.source;
  into[from + AT.operation] = symbols.operation;
  into[from + AT.privilege] = symbols.privilege;
  into[from + AT.component] = symbols.component;
  into[from + AT.bytesOut] = symbols.bytesOut;
  into[from + AT.breadth] = symbols.breadth;
  into[from + AT.status] = symbols.status;
  into[from + AT.tenant] = symbols.tenant;
  into[from + AT.peers] = symbols.peers;
}

export function readSymbols(row: Float64Array, from: number, objects: readonly number[]): Symbols {
  return {
    timeMs: row[from + AT.timeMs] as number,
    hourIndex: row[from + AT.hourIndex] as number,
    dayIndex: row[from + AT.dayIndex] as number,
    hour: row[from + AT.hour] as number,
    weekday: row[from + AT.weekday] as number,
    client: row[from + AT.client] as number,
    family: row[from + AT.family] as number,
    prefix: row[from + AT.prefix] as number,
    asn: row[from + AT.asn] as number,
    country: row[from + AT.country] as number,
    networkKind: row[from + AT.networkKind] as number,
    source: row[from + AT.source] as number,
    operation: row[from + AT.operation] as number,
    privilege: row[from + AT.privilege] as number,
    component: row[from + AT.component] as number,
    objects,
    bytesOut: row[from + AT.bytesOut] as number,
    breadth: row[from + AT.breadth] as number,
    status: row[from + AT.status] as number,
    tenant: row[from + AT.tenant] as number,
    peers: row[from + AT.peers] as number,
  };
}
