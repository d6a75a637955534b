import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bench, facts, keyFacts, signingKey, T } from '../../test/notices/fixture.js';
import type { KeyRecord } from '../core/key.js';
import { Fingerprints } from '../keys/fingerprint.js';
import { Notices } from './notices.js';
import { Outbox } from './outbox.js';
import { SecurityEvents } from './security-events.js';
import { loadTemplates } from './templates.js';

const fingerprints = new Fingerprints(Buffer.alloc(32, 9));
const head = { templates: loadTemplates(undefined), sender: 's@guard.example', privateKey: signingKey() };
const contacts = {
  emails: ['ada@acme.example'],
  webhooks: [{ url: 'https://acme.example/', secrets: ['s'] }],
};

let at: ReturnType<typeof bench>;
beforeEach(async () => {
  at = bench();
  await at.store.write({
    tenants: [
      { id: 'acme', name: 'Acme', contacts },
      { id: 'hooked', name: 'Hooked', contacts: { emails: [], webhooks: contacts.webhooks } },
    ],
  });
});
afterEach(() => at.close());

function service(over: { approval?: 'required' | 'none'; smtp?: boolean; reset?: undefined } = {}): Notices {
  const notices = at.store.notices;
  const outbox = new Outbox({
    ...{ store: notices, acts: at.acts, senders: {}, attemptMs: 1, random: () => 0 },
    retries: { firstMs: 1, maxMs: 1, attemptsMax: 1 },
    ...{ tried: () => undefined, failed: () => undefined },
  });
  const streams = [{ name: 's', delivery: 'poll', audience: 'x' }] as const;
  const events = new SecurityEvents({ streams, now: () => at.clock.ms, woken: () => undefined });
  return new Notices({
    ...{ store: at.store, notices, acts: at.acts, fingerprints, events, outbox, head },
    ...{ approval: 'required', smtp: true, reset: { address: 'reset.example', hours: 24 } },
    ...over,
  });
}

async function key(id: string, over: Partial<KeyRecord> = {}): Promise<void> {
  const revoked = { atMs: T, by: 'anna', why: 'x' };
  const record: KeyRecord = {
    ...{
      id,
      kind: 'issued',
      env: 'live',
      name: id,
      tenant: 'acme',
      principal: 'p',
      upstreams: [],
      limits: {},
    },
    ...{ fingerprint: `f-${id}`, createdMs: T, createdBy: 'anna', revoked },
    ...over,
  };
  await at.store.write({ keys: [record] });
}

describe('notices', () => {
  it('are approved by themselves only where that is configured, and where somebody can be told', async () => {
    const all = ['acme', 'nobody'].map((tenant) => facts({ tenant }));
    expect((await service().draft('core', all)).map(({ approved }) => approved)).toEqual([
      undefined,
      undefined,
    ]);
    const [acme, nobody] = await service({ approval: 'none' }).draft('core', all);
    expect(acme?.approved).toEqual({ atMs: T, by: 'core' });
    expect(nobody?.approved).toBeUndefined();
    expect(
      at.store.notices
        .deliveriesOf(acme?.id as string)
        .map(({ channel }) => channel)
        .sort(),
    ).toEqual(['email', 'webhook']);
    expect(service().list({ tenant: 'nobody' })[0]?.recipients.problem).toMatch(/no tenant nobody/);
  });

  it('give codes for dead keys of their tenant that can be made anew, and for no others', async () => {
    await key('revoked');
    await key('rotated', { revoked: undefined, replaced: { by: 'n', atMs: T, overlapUntilMs: T } });
    await key('living', { revoked: undefined });
    await key('foreign', { kind: 'foreign' });
    await key('expired', { expiresMs: T });
    const ids = ['revoked', 'rotated', 'living', 'foreign', 'expired', 'unknown'];
    const [draft] = await service().draft('core', [facts({ keys: ids.map((id) => keyFacts({ id })) })]);
    // Moved to somebody else between draft and approval: not theirs to pick up any more.
    await key('rotated', {
      tenant: 'other',
      revoked: undefined,
      replaced: { by: 'n', atMs: T, overlapUntilMs: T },
    });
    const approved = await service().approve('anna', draft?.id as string, { codes: true });
    const codes = (approved.codes ?? []).map((id) => at.store.notices.code(id));
    expect(codes.map((code) => [code?.key, code?.tenant, code?.expiresMs])).toEqual([
      ['revoked', 'acme', T + 24 * 3_600_000],
    ]);
    expect(approved.signed?.text).toContain('Pick up 1 replacement key until 2026-11-25 08:00:00 UTC');
  });

  it.each([
    ['nowhere to enter them', 'acme', { reset: undefined }, /configure notices.reset/],
    ['no mailbox', 'hooked', {}, /has no address/],
    ['no dead key', 'acme', {}, /nothing to pick up/],
    ['no mail server', 'acme', { smtp: false }, /notices.smtp is not configured/],
  ])('with codes and %s are not approved, and stay drafts', async (_, tenant, over, why) => {
    const [draft] = await service().draft('core', [facts({ tenant })]);
    const id = draft?.id as string;
    await expect(service(over).approve('anna', id, { codes: true })).rejects.toThrow(why);
    expect(service().show(id).state).toBe('draft');
    expect(at.store.notices.deliveriesOf(id)).toEqual([]);
  });

  it('are withdrawn for what has not left; what is under way or arrived says so', async () => {
    const [draft] = await service().draft('core', [facts()]);
    const id = draft?.id as string;
    await service().approve('anna', id, { codes: false });
    const [first] = at.store.notices.deliveriesOf(id);
    await at.store.notices.changeDelivery(first?.id as string, (now) => ({ ...now, state: 'sending' }));
    const { state, deliveries } = await service().withdraw('anna', id, 'wrong');
    expect(state).toBe('withdrawn');
    expect(deliveries.map((each) => each.state).sort()).toEqual(['cancelled', 'sending']);
    expect(at.entries.map((each) => each.kind === 'act' && each.action)).toEqual([
      ...['notice.draft', 'notice.approve', 'notice.withdraw'],
    ]);
  });

  it('of one call name each tenant once', async () => {
    await expect(service().draft('core', [facts(), facts()])).rejects.toThrow(/twice/);
  });

  it('emit security events for changes that others made', async () => {
    await service().emit.credentialChange('k1', 'acme', 'revoke');
    await service().emit.sessionRevoked('k1', 'acme', 'partial freeze');
    const events = [...at.store.notices.waiting('s')].map(({ event }) => event);
    expect(events).toEqual(
      expect.arrayContaining([
        { type: 'credential-change', key: 'k1', tenant: 'acme', change: 'revoke', atMs: T },
        { type: 'session-revoked', key: 'k1', tenant: 'acme', reason: 'partial freeze', atMs: T },
      ]),
    );
  });
});
