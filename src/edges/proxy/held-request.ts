import type { HeldAnswer } from '../../engine/held-calls.js';
import { BodyReader } from '../../wire/http-body.js';
import { lowerName, type RequestHead } from '../../wire/http-head.js';
import type { ProxyUpstream } from './gateway.js';
import type { HeldMemory } from './held-memory.js';

/** Body that a held request may have, with its framing: an approval is bound to all of it. */
const BODY_BYTES_MAX = 256 * 1024;
const FIRST_BYTES = 4096;
const EMPTY = Buffer.alloc(0);

type HeldStep =
  | { readonly kind: 'more' }
  | {
      readonly kind: 'complete';
      /** As it came, for the upstream. */
      readonly framed: Buffer;
      /** What the framing holds: the same whatever the chunks. */
      readonly payload: Buffer;
      /** Of later requests. */
      readonly rest: Buffer;
    }
  | { readonly kind: 'refused'; readonly status: 400 | 403; readonly code: string; readonly detail: string };

/** Gathers the body of a held request, so that it can be looked into and an approval be bound to it. */
export class HeldBody {
  readonly #framing: RequestHead['framing'];
  readonly #reader: BodyReader;
  readonly #shared: HeldMemory;
  readonly #sharedMax: number;
  #memory: Buffer = EMPTY;
  #bytes = 0;

  constructor(framing: RequestHead['framing'], shared: HeldMemory, sharedMax: number) {
    this.#framing = framing;
    this.#reader = new BodyReader(framing);
    this.#shared = shared;
    this.#sharedMax = sharedMax;
  }

  /** What has come of it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Nobody needs its bytes any more. */
  release(): void {
    this.#shared.give(this.#memory.length);
    this.#memory = EMPTY;
  }

  take(bytes: Buffer): HeldStep {
    const reader = this.#reader;
    if (this.#framing.kind === 'length' && this.#framing.bytes > BODY_BYTES_MAX) return TOO_LARGE;
    const used = reader.take(bytes);
    if (reader.refused !== undefined) return refused(400, 'request_malformed', `Refused: ${reader.refused}.`);
    if (this.#bytes + used > BODY_BYTES_MAX) return TOO_LARGE;
    if (reader.trailers.length > 0)
      return impossible('an approval is not bound to trailers, and it has some');
    if (!this.#keep(bytes.subarray(0, used))) return NO_ROOM;
    if (!reader.done) return { kind: 'more' };
    const framed = this.#memory.subarray(0, this.#bytes);
    return { kind: 'complete', framed, payload: this.#payloadOf(framed), rest: bytes.subarray(used) };
  }

  /** Copied, since many small buffers would take far more than their bytes. */
  #keep(bytes: Buffer): boolean {
    const needed = this.#bytes + bytes.length;
    const had = this.#memory;
    if (needed > had.length) {
      const size = Math.max(needed, FIRST_BYTES, Math.min(2 * had.length, BODY_BYTES_MAX));
      if (!this.#shared.take(size - had.length, this.#sharedMax)) return false;
      this.#memory = Buffer.allocUnsafeSlow(size);
      had.copy(this.#memory, 0, 0, this.#bytes);
    }
    bytes.copy(this.#memory, this.#bytes);
    this.#bytes = needed;
    return true;
  }

  #payloadOf(framed: Buffer): Buffer {
    if (this.#framing.kind !== 'chunked') return framed;
    const payload = Buffer.allocUnsafe(framed.length);
    let at = 0;
    new BodyReader(this.#framing).take(framed, (slice) => {
      at += slice.copy(payload, at);
    });
    return payload.subarray(0, at);
  }
}

function refused(status: 400 | 403, code: string, detail: string): HeldStep {
  return { kind: 'refused', status, code, detail };
}

/** There is no hold that a person could approve: the caller must not wait for one. */
function impossible(why: string): HeldStep {
  const detail = `This call is unlike what this key has done before, and it cannot be approved: ${why}.`;
  return refused(403, 'hold_impossible', detail);
}

const NO_ROOM = impossible('too many calls wait for their bodies at the moment');
const TOO_LARGE = impossible(
  `an approval is bound to the whole body, and this one is larger than ${BODY_BYTES_MAX} bytes`,
);

/** The body is here: an upstream that still asked for it would answer the client twice. */
export function withoutExpect(head: RequestHead): RequestHead {
  if (!head.expectContinue) return head;
  const headers = head.headers.filter(
    (_, at) => lowerName(head.headers[at - (at % 2)] as string) !== 'expect',
  );
  return { ...head, headers, expectContinue: false };
}

/** What the caller of a held request is told. Not why it was held: it may be a thief. */
export function heldProblem(
  { verdict, hold }: Extract<HeldAnswer<ProxyUpstream>, { kind: 'refused' }>,
  approvalUrl: string | undefined,
) {
  const { status, reason } = verdict;
  const waits = verdict.decision === 'hold' && hold !== undefined;
  return {
    status,
    code: reason.code,
    detail: reason.text,
    headers: waits && status === 202 ? ['Retry-After', '30'] : [],
    extra: {
      ...(hold === undefined ? {} : { hold: hold.id }),
      ...(waits && approvalUrl !== undefined ? { approval: approvalUrl.replaceAll('{hold}', hold.id) } : {}),
    },
  };
}
