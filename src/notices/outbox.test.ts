import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bench, T } from '../../test/notices/fixture.js';
import { backoffMs, Outbox, type Sender, type SendResult } from './outbox.js';
import type { Delivery } from './records.js';

const OK: SendResult = { ok: true };
const DOWN: SendResult = { ok: false, permanent: false, problem: 'down' };
const retries = { firstMs: 1_000, maxMs: 60_000, attemptsMax: 4 };

let at: ReturnType<typeof bench>;
let open: Outbox[];
let failures: unknown[];
let ended: string[];
beforeEach(() => {
  at = bench();
  open = [];
  failures = [];
  ended = [];
});
afterEach(async () => {
  for (const each of open) await each.close(1_000);
  await at.close();
});

function outbox(send: Sender['send'], atOnceMax = 2): Outbox {
  const sender: Sender = { atOnceMax, destination: ({ recipient }) => recipient, send };
  const made = new Outbox({
    ...{ store: at.store.notices, acts: at.acts, retries, attemptMs: 5_000, random: () => 1 },
    senders: { email: sender },
    tried: (delivery) => ended.push(`${delivery.id} ${delivery.state}`),
    failed: (error) => failures.push(error),
  });
  open.push(made);
  return made;
}

function delivery(id: string, over: Partial<Delivery> = {}): Delivery {
  const begin = { state: 'pending', attempts: 0, inDoubt: 0, createdMs: T, nextMs: T } as const;
  return { id, channel: 'email', recipient: 'a@x.example', ...begin, ...over };
}

const stateOf = (id: string) => at.store.notices.delivery(id);

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
}

describe('the outbox', () => {
  it('sends what is due once, and has `sending` on disk before the first byte leaves', async () => {
    const seen: string[] = [];
    const box = outbox(async ({ id }) => {
      seen.push(`${id} ${stateOf(id)?.state} ${stateOf(id)?.attempts}`);
      return OK;
    });
    await at.store.write({
      deliveries: [delivery('a'), delivery('b'), delivery('later', { nextMs: T + 99_999 })],
    });
    box.start();
    await until(() => stateOf('a')?.state === 'delivered' && stateOf('b')?.state === 'delivered');
    box.wake();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen.sort()).toEqual(['a sending 1', 'b sending 1']);
    expect(stateOf('later')?.state).toBe('pending');
    expect([...at.store.notices.due(T)]).toEqual([]);
  });

  it('tries again later and later, then says that it failed and why; a retry begins anew', async () => {
    let result: SendResult = DOWN;
    const tried: number[] = [];
    const box = outbox(async () => {
      tried.push(at.clock.ms - T);
      return result;
    });
    await at.store.write({ deliveries: [delivery('a')] });
    box.start();
    for (let attempts = 1; attempts < retries.attemptsMax; attempts += 1) {
      await until(() => stateOf('a')?.attempts === attempts && stateOf('a')?.state === 'pending');
      at.clock.ms = stateOf('a')?.nextMs as number;
      box.wake();
    }
    await until(() => stateOf('a')?.state === 'failed');
    expect(tried).toEqual([0, 1_000, 3_000, 7_000]);
    expect(stateOf('a')?.problem).toBe('down');
    expect(ended).toEqual(['a pending', 'a pending', 'a pending', 'a failed']);
    result = OK;
    await box.retry('anna', 'a');
    await until(() => stateOf('a')?.state === 'delivered');
    expect(stateOf('a')).toMatchObject({ attempts: 1 });
    expect(stateOf('a')?.problem).toBeUndefined();
    expect(at.entries.map((each) => each.kind === 'act' && each.action)).toEqual(['delivery.retry']);
    await expect(box.retry('anna', 'a')).rejects.toThrow(/delivered; there is nothing/);
    await expect(box.retry('anna', 'zz')).rejects.toThrow(/There is no delivery/);
  });

  it('gives up at once where nothing can help', async () => {
    outbox(async () => ({ ok: false, permanent: true, problem: 'no such mailbox' })).start();
    await at.store.write({ deliveries: [delivery('a')] });
    open[0]?.wake();
    await until(() => stateOf('a')?.state === 'failed');
    expect(stateOf('a')?.attempts).toBe(1);
  });

  it('takes up after a crash what was being sent, under the same id, and says that it is in doubt', async () => {
    await at.store.write({ deliveries: [delivery('a', { state: 'sending', attempts: 1, lastMs: T })] });
    await at.reopen();
    const ids: string[] = [];
    outbox(async ({ id }) => {
      ids.push(id);
      return OK;
    }).start();
    await until(() => stateOf('a')?.state === 'delivered');
    expect(ids).toEqual(['a']);
    expect(stateOf('a')).toMatchObject({ attempts: 2, inDoubt: 1 });
  });

  it('is stopped in the middle: what had not ended is in doubt, not lost and not called failed', async () => {
    const box = outbox(
      (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(DOWN))),
    );
    await at.store.write({ deliveries: [delivery('a')] });
    box.start();
    await until(() => stateOf('a')?.state === 'sending');
    await box.close(20);
    expect(stateOf('a')?.state).toBe('sending');
  });

  it('lets a recipient that hangs hold up nobody else, whatever waits for it', async () => {
    let hanging = 0;
    let most = 0;
    const box = outbox(async ({ recipient }, signal) => {
      if (recipient !== 'hangs') return OK;
      hanging += 1;
      most = Math.max(most, hanging);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      hanging -= 1;
      return DOWN;
    });
    const stuck = Array.from({ length: 1_500 }, (_, n) => delivery(`h${n}`, { recipient: 'hangs' }));
    await at.store.write({ deliveries: [...stuck, delivery('z', { recipient: 'b@y.example', nextMs: T })] });
    box.start();
    await until(() => stateOf('z')?.state === 'delivered');
    expect(most).toBe(2);
    await box.close(0);
  });

  it('never begins the same delivery twice at a time, however often it is woken', async () => {
    let now = 0;
    let most = 0;
    let sent = 0;
    const box = outbox(async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 30));
      now -= 1;
      sent += 1;
      return OK;
    });
    await at.store.write({ deliveries: [delivery('a')] });
    box.start();
    for (let i = 0; i < 20; i += 1) {
      box.wake();
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    await until(() => stateOf('a')?.state === 'delivered');
    expect([most, sent]).toEqual([1, 1]);
  });

  it('survives its own mistakes: they are told, and the delivery is tried again', async () => {
    let broken = true;
    const box = outbox(async () => {
      if (broken) throw new Error('a bug');
      return OK;
    });
    await at.store.write({ deliveries: [delivery('a')] });
    box.start();
    await until(() => stateOf('a')?.state === 'pending' && stateOf('a')?.attempts === 1);
    expect(failures.map(String)).toEqual(['Error: a bug']);
    broken = false;
    at.clock.ms += 60_000;
    box.wake();
    await until(() => stateOf('a')?.state === 'delivered');
  });

  it('writing a delivery again does not send it again', async () => {
    await at.store.write({ deliveries: [delivery('a', { state: 'delivered' })] });
    await at.store.write({ deliveries: [delivery('a')] });
    expect(stateOf('a')?.state).toBe('delivered');
    expect([...at.store.notices.due(T)]).toEqual([]);
  });
});

it('waits double, in the upper half of the doubled time, up to the bound', () => {
  const waits = (random: number) =>
    [1, 2, 3, 7, 5_000].map((attempts) => backoffMs(retries, attempts, random));
  expect(waits(1)).toEqual([1_000, 2_000, 4_000, 60_000, 60_000]);
  expect(waits(0)).toEqual([500, 1_000, 2_000, 30_000, 30_000]);
});
