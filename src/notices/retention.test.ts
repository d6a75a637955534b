import { afterEach, beforeEach, expect, it } from 'vitest';
import { bench, T } from '../../test/notices/fixture.js';
import type { Delivery } from './records.js';
import { forgetOldEvents } from './retention.js';

const DAY_MS = 86_400_000;
const event = { type: 'session-revoked', key: 'k', tenant: 't', atMs: T } as const;

let at: ReturnType<typeof bench>;
beforeEach(() => {
  at = bench();
});
afterEach(() => at.close());

function delivery(id: string, over: Partial<Delivery>): Delivery {
  const begin = { state: 'delivered', attempts: 1, inDoubt: 0, createdMs: T, nextMs: T } as const;
  return { id, channel: 'push', recipient: 's', event, ...begin, ...over };
}

it('events that are over or unfetched for 30 days go; what still has to be sent, and notices, stay', async () => {
  const many = Array.from({ length: 1_200 }, (_, n) => delivery(`m${n}`, { endedMs: T }));
  await at.store.write({
    deliveries: [
      ...many,
      delivery('recent', { endedMs: T + 2 * DAY_MS }),
      delivery('unfetched', { channel: 'poll', state: 'pending' }),
      delivery('unsent', { state: 'pending' }),
      delivery('notice', { event: undefined, notice: 'n', endedMs: T }),
    ],
  });
  expect(await forgetOldEvents(at.store.notices, T + 30 * DAY_MS)).toBe(0);
  expect(await forgetOldEvents(at.store.notices, T + 31 * DAY_MS)).toBe(1_201);
  expect([...at.store.notices.deliveries()].map(({ id }) => id)).toEqual(['notice', 'recent', 'unsent']);
  expect([...at.store.notices.waiting('s')]).toEqual([]);
  expect([...at.store.notices.due(T)].map(({ id }) => id)).toEqual(['unsent']);
});
