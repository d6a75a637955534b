import { describe, expect, it } from 'vitest';
import type { KeyRecord } from '../core/key.js';
import { keyRadius } from './blast-radius.js';
import type { JournalCall } from './call.js';
import { factsOf } from './tell.js';

const HOUR = 3_600_000;
const call = (hour: number, changes: Partial<JournalCall> = {}): JournalCall => ({
  ...{ journal: 0, seq: hour, timeMs: hour * HOUR, request: `r${hour}`, key: 'k', tenant: 't' },
  ...{ method: 'GET', operation: 'users.list', privilege: 1, address: '87.128.1.7', asn: 3320 },
  ...{ country: 'DE', client: 'python', objects: [], score: -3, flagged: false },
  ...{ forwarded: true, status: 200, bytesOut: 10, created: undefined, ...changes },
});
const stolen = { address: '185.220.101.5', asn: 60_729, country: 'RO', score: 9, flagged: true };

describe('the blast radius of a key', () => {
  it("tells the visitor's times apart from the owner's, and a notice gives no others", () => {
    const calls = [
      ...Array.from({ length: 40 }, (_, hour) => call(hour)),
      ...[call(40, stolen), call(41), call(42, { ...stolen, status: 403 }), call(43), call(44)],
    ];
    const radius = keyRadius('k', calls, []);
    expect(radius?.operations).toMatchObject([
      {
        ...{ name: 'users.list', foreignSucceeded: 1, foreignRefused: 1 },
        ...{ foreignFirstMs: 40 * HOUR, foreignLastMs: 42 * HOUR },
      },
    ]);
    const own = radius?.networks.find(({ network }) => network.startsWith('87.'));
    expect(own).toMatchObject({ foreignFirstMs: undefined, foreignLastMs: undefined });
    if (radius === undefined) throw new Error('no radius');
    const set = {
      ...{ sinceMs: 0, places: [], leftAlone: [], notListed: 0 },
      contain: [{ key: 'k', tenant: 't', why: 'misused' }],
    };
    const found = { radii: [radius], set, entries: 45, dropped: 0, milliseconds: 1 };
    const [facts] = factsOf('i', {
      ...{ found: found as never, plans: [], receiptOf: () => undefined },
      keyOf: () => ({ id: 'k', name: 'k', principal: 'p' }) as KeyRecord,
    });
    expect(facts?.keys[0]?.operations).toEqual([
      {
        ...{ name: 'users.list', privilege: 1, succeeded: 1, refused: 1 },
        ...{ firstMs: 40 * HOUR, lastMs: 42 * HOUR },
      },
    ]);
  });
});
