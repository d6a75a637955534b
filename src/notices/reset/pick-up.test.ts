import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bench } from '../../../test/notices/fixture.js';
import type { KeyRecord } from '../../core/key.js';
import type { Changes } from '../../engine/ports.js';
import { Fingerprints } from '../../keys/fingerprint.js';
import { mintKey } from '../../keys/format.js';
import type { ResetCode } from '../records.js';
import { SecurityEvents } from '../security-events.js';
import { codeFingerprint, codeText, newCodeId, readCode } from './code.js';
import { type PickedUp, PickUp } from './pick-up.js';

const fingerprints = new Fingerprints(Buffer.alloc(32, 9));
const HOUR_MS = 3_600_000;

let at: ReturnType<typeof bench>;
beforeEach(() => {
  at = bench();
});
afterEach(() => at.close());

function picker(announce: Changes['announce'] = async () => []): PickUp {
  return new PickUp({
    ...{ store: at.store, notices: at.store.notices, acts: at.acts, fingerprints },
    changes: { inFlight: 'finish', announce },
    events: new SecurityEvents({
      streams: [{ name: 's', delivery: 'poll', audience: 'x' }],
      now: () => at.clock.ms,
      woken: () => undefined,
    }),
  });
}

async function deadKey(over: Partial<KeyRecord> = {}): Promise<KeyRecord> {
  const key: KeyRecord = {
    ...{ id: 'old000000001', kind: 'issued', env: 'live', name: 'hr', tenant: 'acme', principal: 'p' },
    ...{ upstreams: ['api'], createdMs: at.clock.ms, createdBy: 'anna', limits: { bodyBytesMax: 7 } },
    fingerprint: fingerprints.issued(mintKey('live', 'old000000001')),
    revoked: { atMs: at.clock.ms, by: 'anna', why: 'stolen' },
    ...over,
  };
  await at.store.write({ keys: [key] });
  return key;
}

async function codeOf(key: KeyRecord): Promise<{ code: ResetCode; text: string }> {
  const of = { id: newCodeId(), notice: 'n1', key: key.id };
  const text = codeText(of, fingerprints);
  const times = { createdMs: at.clock.ms, expiresMs: at.clock.ms + HOUR_MS };
  const code = {
    ...of,
    fingerprint: codeFingerprint(text, fingerprints),
    tenant: key.tenant,
    ...times,
    wrong: 0,
  };
  await at.store.write({ codes: [code] });
  return { code, text };
}

function keyOf(result: PickedUp) {
  if (result.kind !== 'key') throw new Error(`It was ${result.kind}.`);
  return result;
}

describe('a code', () => {
  it('has 140 secret bits, is read however it is typed, and is not what is kept', async () => {
    const { code, text } = await codeOf(await deadKey());
    expect(text).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{4}-){8}[0-9A-HJKMNP-TV-Z]{4}$/);
    const whole = text.replaceAll('-', '');
    for (const typed of [
      text,
      whole,
      ` ${text.toLowerCase()}\n`,
      whole.replaceAll('0', 'o').replaceAll('1', 'l'),
    ])
      expect(readCode(typed)).toEqual({ id: code.id, whole });
    for (const typed of ['', text.slice(1), `${text}0`, whole.replace(/.$/, 'U'), 'x'.repeat(10_000)])
      expect(readCode(typed)).toBeUndefined();
    expect(JSON.stringify(at.store.notices.code(code.id))).not.toContain(whole.slice(8));
  });

  it('gives a key with the limits of the old one, which stays dead; receivers of events hear of it', async () => {
    const old = await deadKey();
    const { text } = await codeOf(old);
    const { key, credential } = keyOf(await picker().pickUp(text));
    expect(key).toMatchObject({
      replaces: old.id,
      limits: old.limits,
      upstreams: old.upstreams,
      tenant: 'acme',
    });
    expect(key).toMatchObject({ createdBy: 'reset:acme', fingerprint: fingerprints.issued(credential) });
    expect(key.revoked).toBeUndefined();
    expect(at.store.key(old.id)).toMatchObject({ revoked: old.revoked, replaced: { by: key.id } });
    expect([...at.store.notices.waiting('s')].map(({ event }) => [event?.key, event?.change])).toEqual([
      [key.id, 'create'],
    ]);
    expect(JSON.stringify(at.entries)).not.toContain(credential.slice(-38));
  });

  it('is used when the answer has left, and then says since when', async () => {
    const { text } = await codeOf(await deadKey());
    const pick = picker();
    const { code, key } = keyOf(await pick.pickUp(text));
    at.clock.ms += 1_000;
    await pick.handedOver(code, key.id);
    at.clock.ms += 1_000;
    expect(await pick.pickUp(text)).toEqual({ kind: 'used', atMs: at.clock.ms - 1_000 });
    expect(at.entries.map((each) => each.kind === 'act' && each.action)).toEqual([
      'reset.pick-up',
      'reset.handed-over',
    ]);
  });

  it('is good for another try after a crash before the answer; the key made before is dead then', async () => {
    const old = await deadKey();
    const { text } = await codeOf(old);
    const first = keyOf(await picker().pickUp(text));
    await at.reopen();
    const pick = picker();
    const second = keyOf(await pick.pickUp(text));
    expect(second.key.id).not.toBe(first.key.id);
    expect(at.store.key(first.key.id)?.revoked?.why).toContain(second.key.id);
    expect(at.store.key(second.key.id)?.revoked).toBeUndefined();
    // The first answer turns up late: it must not use the code up for a key that is dead.
    await pick.handedOver(first.code, first.key.id);
    expect(at.store.notices.code(first.code)?.used).toBeUndefined();
  });

  it('asked for many times at once leaves one living key', async () => {
    const old = await deadKey();
    const { text } = await codeOf(old);
    const pick = picker();
    await Promise.all(Array.from({ length: 8 }, () => pick.pickUp(text)));
    const living = at.store.keys().filter((key) => key.replaces === old.id && key.revoked === undefined);
    expect(living.length).toBe(1);
  });

  it('gives nothing before every gateway knows, and holds up no operator meanwhile', async () => {
    const { text } = await codeOf(await deadKey());
    let known: (confirmations: []) => void = () => undefined;
    const told = new Promise<[]>((resolve) => {
      known = resolve;
    });
    const order: string[] = [];
    const picked = picker(() => told).pickUp(text);
    void picked.then(() => order.push('picked up'));
    await at.acts.run(async () => void order.push('act'));
    known([]);
    expect((await picked).kind).toBe('key');
    expect(order).toEqual(['act', 'picked up']);
  });

  it('is refused when expired, withdrawn, wrong or tried wrongly too often, and looks the same', async () => {
    const { code, text } = await codeOf(await deadKey());
    const pick = picker();
    const refused = { kind: 'refused' };
    const wrong = `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`;
    expect(await pick.pickUp(wrong)).toEqual(refused);
    expect(await pick.pickUp('A'.repeat(36))).toEqual(refused);
    at.clock.ms += HOUR_MS;
    expect(await pick.pickUp(text)).toEqual(refused);
    at.clock.ms -= 1;
    await at.store.write({ codes: [{ ...code, cancelled: { atMs: 1 } }] });
    expect(await pick.pickUp(text)).toEqual(refused);
    await at.store.write({ codes: [code] });
    for (let i = 0; i < 10; i += 1) expect(await pick.pickUp(wrong)).toEqual(refused);
    expect(await pick.pickUp(text)).toEqual(refused);
    expect(at.store.keys().length).toBe(1);
  });

  it('of a rotated key takes the place of the successor that nobody was given', async () => {
    const successor = await deadKey({ id: 'new000000001', fingerprint: 'f2', revoked: undefined });
    const { revoked: _, ...living } = await deadKey();
    const overlapUntilMs = at.clock.ms + 60_000;
    const old = { ...living, replaced: { by: successor.id, atMs: at.clock.ms, overlapUntilMs } };
    await at.store.write({ keys: [old] });
    const { text } = await codeOf(old);
    const { key } = keyOf(await picker().pickUp(text));
    expect(at.store.key(successor.id)?.revoked?.by).toBe('reset:acme');
    expect(at.store.key(old.id)?.replaced).toEqual({ by: key.id, atMs: at.clock.ms, overlapUntilMs });
    expect(key.replaced).toBeUndefined();
  });
});
