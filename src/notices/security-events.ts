import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from 'jose';
import type { KeyEvents } from '../engine/ports.js';
import type { Delivery, SecurityEvent } from './records.js';

/** One receiver of security event tokens. */
export interface Stream {
  readonly name: string;
  readonly delivery: 'push' | 'poll';
  readonly audience: string;
  /** Only of these tenants; of all when absent. */
  readonly tenants?: readonly string[];
  readonly url?: string;
  /** Sent with a push. */
  readonly authorization?: string;
  /** Expected of who polls. */
  readonly token?: string;
}

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
/** Not in the list of CAEP 1.0, which leaves it open to agree on others. */
const CREDENTIAL_TYPE = 'api-key';

/** Turns changes of keys into deliveries, one for each stream that is to hear of them. */
export class SecurityEvents implements KeyEvents {
  readonly streams: readonly Stream[];
  readonly #now: () => number;
  readonly #woken: () => void;

  constructor(parts: { streams: readonly Stream[]; now: () => number; woken: () => void }) {
    this.streams = parts.streams;
    this.#now = parts.now;
    this.#woken = parts.woken;
  }

  /** The same change to the same key at the same time is the same event, however often it is told. */
  deliveriesOf(events: readonly SecurityEvent[]): Delivery[] {
    const nowMs = this.#now();
    return events.flatMap((event) =>
      this.streams
        .filter(({ tenants }) => tenants === undefined || tenants.includes(event.tenant))
        .map(({ name, delivery }) => {
          const id = idOf([event.type, event.key, event.change ?? '', String(event.atMs)]);
          return {
            id: `e${id}_${idOf([name])}`,
            channel: delivery,
            recipient: name,
            event,
            state: 'pending' as const,
            attempts: 0,
            inDoubt: 0,
            createdMs: nowMs,
            nextMs: nowMs,
          };
        }),
    );
  }

  wake(): void {
    this.#woken();
  }
}

function idOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24);
}

/** Signs security event tokens (RFC 8417) with a key of their own, apart from that of the journal. */
export class TokenSigner {
  readonly jwk: JWK;
  readonly #issuer: string;
  readonly #key: KeyObject;

  private constructor(issuer: string, key: KeyObject, jwk: JWK) {
    this.#issuer = issuer;
    this.#key = key;
    this.jwk = jwk;
  }

  static async open(issuer: string, key: KeyObject): Promise<TokenSigner> {
    const jwk = await exportJWK(createPublicKey(key));
    const kid = await calculateJwkThumbprint(jwk);
    return new TokenSigner(issuer, key, { ...jwk, kid, alg: algorithmOf(key), use: 'sig' });
  }

  /** `jti` is the id of the delivery, so a receiver that gets it twice can tell. */
  token({ id, event, createdMs }: Delivery, audience: string): Promise<string> {
    if (event === undefined) throw new Error(`Delivery ${id} carries no event.`);
    return new SignJWT(claimsOf(event))
      .setProtectedHeader({ alg: algorithmOf(this.#key), typ: 'secevent+jwt', kid: this.jwk.kid })
      .setIssuer(this.#issuer)
      .setAudience(audience)
      .setIssuedAt(Math.floor(createdMs / 1000))
      .setJti(id)
      .sign(this.#key);
  }
}

/** The CAEP interoperability profile asks for RS256; a key of another type signs with what fits it. */
function algorithmOf(key: KeyObject): 'RS256' | 'ES256' | 'EdDSA' {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return 'RS256';
    case 'ec':
      return 'ES256';
    default:
      return 'EdDSA';
  }
}

/** A machine subject (SSF 1.0 section 3, RFC 9493 section 3.2.7): the key as an application of its tenant. */
function claimsOf(event: SecurityEvent) {
  const common = {
    event_timestamp: Math.floor(event.atMs / 1000),
    initiating_entity: 'admin',
    ...(event.reason === undefined ? {} : { reason_admin: { en: event.reason } }),
  };
  const credential = { credential_type: CREDENTIAL_TYPE, change_type: event.change };
  return {
    sub_id: {
      format: 'complex',
      tenant: { format: 'opaque', id: event.tenant },
      application: { format: 'opaque', id: event.key },
    },
    events: {
      [CAEP + event.type]: event.type === 'credential-change' ? { ...credential, ...common } : common,
    },
  };
}
