import { expect, it } from 'vitest';
import type { Desk, HoldFacts } from '../engine/desk.js';
import { answerFrom, FarDesk } from './desk.js';
import { encode, fromControl, fromGateway, LINE_BYTES_MAX } from './protocol.js';

const long = '\u{65e5}'.repeat(9_000);
const hold = (n: number): HoldFacts => ({
  ...{ id: `h_${n}`, key: 'k', tenant: long, principal: long, upstream: 'api', method: long, path: long },
  ...{ operation: long, privilege: 4, address: long, userAgent: long, openedMs: n, asked: 1 },
  ...{ state: 'pending', gateway: 'x', bodyBytes: 7, fields: Array.from({ length: 50 }, () => long) },
  finding: {
    ...{ evidence: 9, threshold: 5, rarity: { network: 1, asn: 1, client: 1, operation: 1 } },
    reasons: Array.from({ length: 30 }, () => ({ term: 'network', nats: 1, text: long })),
  },
});

it('a list of holds comes whole, with the longest texts in lines that the protocol knows', async () => {
  const desk = { list: async () => Array.from({ length: 500 }, (_, n) => hold(n)) } as unknown as Desk;
  const far = new FarDesk(async (question) => {
    const message = { type: 'answer' as const, n: 1, ...(await answerFrom(desk, question)) };
    const line = encode(message);
    expect(Buffer.byteLength(line)).toBeLessThan(LINE_BYTES_MAX);
    return fromGateway.parse(JSON.parse(line)) as typeof message;
  });
  const holds = await far.list({ state: 'pending' });
  expect(holds.map(({ id }) => id)).toEqual(Array.from({ length: 500 }, (_, n) => `h_${n}`));
  expect(holds[0]).toMatchObject({ id: 'h_0', finding: { evidence: 9 } });
});

it('nothing is asked that the protocol does not know, whatever an operator typed', async () => {
  const far = new FarDesk(async (question) => {
    fromControl.parse(JSON.parse(encode({ type: 'ask', n: 1, question })));
    return { holds: [] };
  });
  expect(await far.list({ key: 'k'.repeat(128) })).toEqual([]);
  for (const name of ['', 'k'.repeat(129)]) {
    expect(await far.list({ key: name })).toEqual([]);
    expect(await far.find(name)).toBeUndefined();
    await expect(far.standing(name)).rejects.toThrow('of such a name');
  }
});
