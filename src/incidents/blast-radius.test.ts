import { describe, expect, it } from 'vitest';
import type { KeyRecord } from '../core/key.js';
import { keyRadius } from './blast-radius.js';
import { CallReader, type JournalCall } from './call.js';
import type { Trail } from './incident.js';
import { factsOf } from './tell.js';

const HOUR = 3_600_000;
const call = (hour: number, changes: Partial<JournalCall> = {}): JournalCall => ({
  ...{ journal: 0, seq: hour, timeMs: hour * HOUR, request: `r${hour}`, key: 'k', tenant: 't' },
  ...{ method: 'GET', operation: 'users.list', privilege: 1, address: '87.128.1.7', asn: 3320 },
  ...{ country: 'DE', client: 'python', objects: [], score: -3, flagged: false, hold: undefined },
  ...{ forwarded: true, status: 200, bytesOut: 10, created: undefined, ...changes },
});
/** What the findings of one visitor left. */
const trail = (networks: readonly string[], client: string) =>
  ({
    ...{ key: 'k', firstMs: 40 * HOUR },
    networks: new Map(networks.map((network) => [network, { count: 1, nats: 5 }])),
    clients: new Map([[client, { count: 1, nats: 1 }]]),
  }) as unknown as Trail;
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

  describe('takes for the owner’s what an operator let through', () => {
    const owners = Array.from({ length: 40 }, (_, hour) => call(hour));
    const held = { score: 9, flagged: true, forwarded: false, status: 403, hold: 'h' };
    const approved = { ...held, forwarded: true, status: 200 };
    const visited = (calls: readonly JournalCall[], trails: readonly Trail[]) =>
      keyRadius('k', [...owners, ...calls], trails)?.entries.map(({ seq }) => seq);

    it('with what was held before under the same hold, and nothing else', () => {
      const odd = { address: '203.0.113.9', client: 'ruby' };
      const calls = [
        call(40, { ...odd, ...held }),
        call(41, { ...odd, ...held }),
        call(42, stolen),
        call(43, { ...odd, ...approved }),
        call(44, { ...stolen, client: 'curl' }),
      ];
      const trails = [trail(['203.0.113.0/24'], 'ruby'), trail(['185.220.101.0/24'], 'curl')];
      expect(visited(calls, trails)).toEqual([42, 44]);
      const denied = calls.filter(({ seq }) => seq !== 43);
      expect(visited(denied, trails)).toEqual([40, 41, 42, 44]);
    });

    it('but not what came from where the visitor is: the operator may have been taken in', () => {
      const calls = [
        call(40, stolen),
        call(41, { ...stolen, ...held }),
        call(42, { ...stolen, ...approved }),
      ];
      expect(visited(calls, [trail(['185.220.101.0/24'], 'curl')])).toEqual([40, 41, 42]);
    });

    it('as the journal tells of it', () => {
      const reader = new CallReader(1_000);
      const finding = { evidence: 9, threshold: 5, reasons: [], hold: 'h' };
      for (const [seq, decision] of [
        [40, 'hold'],
        [41, 'allow'],
      ] as const) {
        const { journal, timeMs: time, bytesOut: _, created: __, client: userAgent, ...rest } = call(seq);
        const entry = { ...rest, kind: 'decision', time, userAgent, upstream: 'u', path: '/', objects: [] };
        reader.note({ ...entry, decision, finding, score: 9 } as never, journal);
      }
      expect(reader.calls).toMatchObject([
        { hold: 'h', forwarded: false },
        { hold: 'h', forwarded: true },
      ]);
      expect(visited(reader.calls, [])).toEqual([]);
      expect(visited(reader.calls.slice(0, 1), [])).toEqual([40]);
    });

    it('which is no habit of the key', () => {
      const radius = keyRadius('k', [...owners, call(40, { operation: 'run', ...approved })], []);
      expect(radius?.foreign).toBe(0);
      expect(radius?.habits.operations.join()).not.toContain('run');
    });
  });
});
