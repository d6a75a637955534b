import { describe, expect, it } from 'vitest';
import { operationOfName } from '../../../catalogs/learn.js';
import type { Sighting } from '../../../detectors/contract.js';
import { type Symbols, symbolsOf } from '../../../detectors/symbols.js';
import { Packer } from './packer.js';
import { type PackedRows, type Rows, Unpacker } from './rows.js';
import { readSymbols, SYMBOL_COLUMNS, writeSymbols } from './symbol-row.js';

const get = operationOfName('users.get');
const sighting = (n: number, more: Partial<Sighting['actor']> = {}): Sighting => ({
  actor: { key: `k${n}`, tenant: 't', principal: undefined, ...more },
  observation: {
    ...{ timeMs: 1_780_000_000_000 + n, upstream: '', method: '', path: '', operation: get },
    address: `192.0.2.${n % 250}`,
    place: { kind: 'hosting', asn: 64_500 + (n % 250), country: 'DE', network: 'Example' },
    userAgent: `client/${n}`,
    objects: Array.from({ length: n % 4 }, (_, i) => `o${n}-${i}`),
    bodyBytes: n % 2 === 0 ? undefined : n,
  },
  outcome: { status: n % 3 === 0 ? undefined : 200, bytesOut: n * 10 },
});
const unpacked = (unpacker: Unpacker, packer: Packer): Rows =>
  unpacker.rows(structuredClone(packer.take('f', 0)));

describe('rows of symbols', () => {
  it('give every field back', () => {
    const written = Object.fromEntries(SYMBOL_COLUMNS.map((name, i) => [name, 4e9 - i])) as object as Symbols;
    const numbers = new Float64Array(3 * SYMBOL_COLUMNS.length);
    writeSymbols(written, numbers, SYMBOL_COLUMNS.length);
    expect(readSymbols(numbers, SYMBOL_COLUMNS.length, [7])).toEqual({ ...written, objects: [7] });
    expect(Math.max(...numbers.subarray(0, SYMBOL_COLUMNS.length))).toBe(0);
    expect(Math.max(...numbers.subarray(2 * SYMBOL_COLUMNS.length))).toBe(0);
  });

  it('speak of the sightings that were packed', () => {
    const packer = new Packer();
    const unpacker = new Unpacker();
    for (const part of [0, 1]) {
      const all = Array.from({ length: 700 }, (_, n) => sighting((n + part * 350) % 900));
      all.forEach((each, n) => {
        packer.add(each, n + 1);
      });
      const rows = unpacked(unpacker, packer);
      expect(rows.count).toBe(all.length);
      all.forEach(({ actor, observation, outcome }, row) => {
        expect(rows.symbols(row)).toEqual(symbolsOf(actor, observation, outcome));
        expect(rows.sighting(row)).toEqual({ actor, observation: { ...observation, objects: [] }, outcome });
        expect(rows.line(row)).toBe(row + 1);
      });
    }
  });

  it('tell apart owners of one key', () => {
    const packer = new Packer();
    const owners = ['a', 'b', undefined, 'a', 'b'];
    for (const principal of owners) packer.add(sighting(1, { principal }), 1);
    const rows = unpacked(new Unpacker(), packer);
    expect(owners.map((_, row) => rows.actor(row).principal)).toEqual(owners);
  });

  it('send each name once, and begin anew before there are too many', () => {
    const packer = new Packer();
    const unpacker = new Unpacker();
    const sent: PackedRows[] = [];
    const held: Rows[] = [];
    for (let n = 0; n < 80_000; n++) {
      packer.add(sighting(n), n);
      if (!packer.full) continue;
      const packed = packer.take('f', 0);
      sent.push(packed);
      held.push(unpacker.rows(packed));
    }
    expect(sent.filter(({ restart }) => restart)).toHaveLength(1);
    expect(sent.reduce((sum, { fresh }) => sum + fresh.actors.length, 0)).toBe(held.length * 4096);
    for (const [i, rows] of held.entries()) expect(rows.actor(5).key).toBe(`k${i * 4096 + 5}`);
  });
});
