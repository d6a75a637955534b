import { sha256 } from '../ids.js';
import type { AgentRecord } from '../model.js';
import type { DirectoryStore } from '../store.js';
import { isSignedBy, readSignature, type SignedRequest, SKEW_MS } from './signature.js';

const SEEN_MAX = 200_000;

/**
 * Whose signature a request carries. A read may be asked again while its signature is good; a write is accepted once:
 * its signature is remembered until its date is too old. What was signed before this process began may have been
 * accepted by the one before it, so no write of that time is.
 */
export class Signatures {
  readonly #store: DirectoryStore;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #seen = new Map<string, number>();

  constructor(store: DirectoryStore, now: () => number) {
    this.#store = store;
    this.#now = now;
    // Dates of HTTP have whole seconds.
    this.#startedAt = Math.floor(now() / 1_000) * 1_000;
  }

  device(request: SignedRequest, body: Uint8Array, bodyMustBeSigned: boolean): AgentRecord | undefined {
    const signature = readSignature(request.header('authorization'));
    const id = /^system\/([0-9a-f]{24})$/.exec(signature?.keyId ?? '')?.[1];
    if (signature === undefined || id === undefined) return undefined;
    if (bodyMustBeSigned && !signature.coversBody) return undefined;
    const record = this.#store.agent(id);
    if (record?.state !== 'active') return undefined;
    if (!isSignedBy(record.publicKey, signature, request, body, this.#now())) return undefined;
    return this.#isNew(request, signature.bytes) ? record : undefined;
  }

  /** Whether whoever enrols has the key that it brings. */
  enrols(publicKey: string, request: SignedRequest, body: Uint8Array): boolean {
    const signature = readSignature(request.header('authorization'));
    if (signature?.keyId !== 'enrolment' || !signature.coversBody) return false;
    return (
      isSignedBy(publicKey, signature, request, body, this.#now()) && this.#isNew(request, signature.bytes)
    );
  }

  #isNew({ method, header }: SignedRequest, bytes: Buffer): boolean {
    if (method === 'GET' || method === 'HEAD') return true;
    const date = Date.parse(header('date') ?? '');
    const name = sha256(bytes.toString('base64'));
    if (date < this.#startedAt || this.#seen.has(name)) return false;
    this.#forget();
    if (this.#seen.size >= SEEN_MAX) return false;
    this.#seen.set(name, date + SKEW_MS);
    return true;
  }

  /** The oldest first, as far as they are too old anyway. */
  #forget(): void {
    for (const [name, until] of this.#seen) {
      if (until >= this.#now()) return;
      this.#seen.delete(name);
    }
  }
}
