import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createVerifier } from 'fast-jwt';
import { describe, expect, it } from 'vitest';
import { T } from '../../test/notices/fixture.js';
import { SecurityEvents, TokenSigner } from './security-events.js';

const streams = [
  { name: 'all', delivery: 'push', audience: 'a', url: 'https://x.example' },
  { name: 'some', delivery: 'poll', audience: 'b', token: 't', tenants: ['acme'] },
] as const;
const event = { type: 'session-revoked', key: 'k1', tenant: 'acme', atMs: T, reason: 'suspended' } as const;
const events = new SecurityEvents({ streams, now: () => T, woken: () => undefined });

describe('security events', () => {
  it('go to the streams that are to hear of the tenant', () => {
    const told = (tenant: string) =>
      events.deliveriesOf([{ ...event, tenant }]).map(({ recipient }) => recipient);
    expect(told('acme')).toEqual(['all', 'some']);
    expect(told('other')).toEqual(['all']);
  });

  it('told twice are one event, with one id', () => {
    const ids = () => events.deliveriesOf([event]).map(({ id }) => id);
    expect(ids()).toEqual(ids());
    const others = [
      { ...event, key: 'k2' },
      { ...event, atMs: T + 1 },
      { ...event, type: 'credential-change' as const },
    ];
    const all = [event, ...others].flatMap((each) => events.deliveriesOf([each]).map(({ id }) => id));
    expect(new Set(all).size).toBe(8);
  });

  const keys: [string, KeyObject][] = [
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['EdDSA', generateKeyPairSync('ed25519').privateKey],
  ];
  it.each(keys)('are signed with %s, as another library reads it', async (alg, key) => {
    const signer = await TokenSigner.open('https://guard.example', key);
    const [delivery] = events.deliveriesOf([event]);
    const jwt = await signer.token(delivery as never, 'a');
    const pem = String(createPublicKey(key).export({ type: 'spki', format: 'pem' }));
    const verify = createVerifier({
      key: pem,
      algorithms: [alg as 'RS256'],
      allowedAud: 'a',
      complete: true,
    });
    const { header, payload } = verify(jwt);
    expect(header).toEqual({ alg, typ: 'secevent+jwt', kid: signer.jwk.kid });
    expect(payload).toEqual({
      ...{ iss: 'https://guard.example', aud: 'a', iat: T / 1000, jti: delivery?.id },
      sub_id: {
        ...{ format: 'complex', tenant: { format: 'opaque', id: 'acme' } },
        application: { format: 'opaque', id: 'k1' },
      },
      events: {
        'https://schemas.openid.net/secevent/caep/event-type/session-revoked': {
          ...{ event_timestamp: T / 1000, initiating_entity: 'admin', reason_admin: { en: 'suspended' } },
        },
      },
    });
    expect(signer.jwk).not.toHaveProperty('d');
  });
});
