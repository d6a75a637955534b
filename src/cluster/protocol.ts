import { z } from 'zod';
import { HOLD_STATES } from '../engine/holds.js';

/**
 * What gateways and the control process say to each other: one JSON object a line over a Unix socket, in order.
 * Nothing here is a secret: a key is named by its id or known by its fingerprint.
 */

/** Version of the messages: a process of another version is not let in. */
export const PROTOCOL = 5;
/** Of one message, its newline included. */
export const LINE_BYTES_MAX = 1024 * 1024;
/** Keys or tenants in one change: a line of them, and of the answer to it, stays within the bound. */
export const CHANGE_IDS_MAX = 1_000;
/** Rows in one report of use. */
export const USAGE_ROWS_MAX = 100;
export const TEXT_CHARS_MAX = 256;

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const id = z.string().min(1).max(128);
const ms = z.number().min(0);
const text = z.string().max(TEXT_CHARS_MAX);

export const gatewayName = /^[a-z0-9][a-z0-9-]{0,31}$/;

const standing = z.strictObject({
  key: id,
  /** The last request that was let through, and how long ago. */
  last: z.strictObject({ request: id, agoMs: ms }).nullable(),
  running: count,
  aborted: count,
});

const usageRow = z.strictObject({
  key: id,
  accepted: count,
  refused: count,
  acceptedSinceReplaced: count.optional(),
  quotaUsed: count.optional(),
  quotaPeriod: text.optional(),
  firstUsedMs: ms.optional(),
  lastUsedMs: ms.optional(),
  lastAddress: text.optional(),
  lastUserAgent: text.optional(),
  lastOperation: text.optional(),
  lastRefusedMs: ms.optional(),
  lastRefusedAddress: text.optional(),
  lastRefusedUserAgent: text.optional(),
});

const enrolment = z.strictObject({
  id,
  name: text,
  upstream: id,
  fingerprint: id,
  createdMs: ms,
});

/** Holds in one answer, and how much of their texts: the line stays within the bound. */
export const HOLDS_MAX = 40;
export const HOLD_CHARS_MAX = 512;
export const REASONS_MAX = 8;
export const FIELDS_MAX = 16;
export const FIELD_CHARS_MAX = 64;
const shown = z.string().max(HOLD_CHARS_MAX);
const nats = z.number();
const holdState = z.enum(HOLD_STATES);
const hold = z.strictObject({
  ...{ id, key: id, tenant: text, principal: text, upstream: id, method: text, path: shown },
  ...{ operation: shown, privilege: z.number().int().min(0).max(4), address: text, userAgent: text },
  ...{ bodyBytes: count, fields: z.array(z.string().max(FIELD_CHARS_MAX)).max(FIELDS_MAX) },
  finding: z
    .strictObject({
      evidence: nats,
      threshold: nats,
      reasons: z.array(z.strictObject({ term: id, nats, text: shown })).max(REASONS_MAX),
    })
    .optional(),
  ...{ state: holdState, openedMs: ms, asked: count, decidedBy: text.optional(), decidedMs: ms.optional() },
});

/** What the control process asks a gateway for an operator. */
const question = z.discriminatedUnion('about', [
  z.strictObject({
    ...{ about: z.literal('holds'), state: holdState.optional(), key: id.optional() },
    /** As many of the newest have been told already. */
    skip: count,
  }),
  z.strictObject({ about: z.literal('hold'), id }),
  z.strictObject({
    ...{ about: z.literal('decision'), id, state: z.enum(['approved', 'denied']), by: text },
    learn: z.boolean(),
  }),
  z.strictObject({
    ...{ about: z.literal('baseline'), key: id, how: z.enum(['release', 'discard']) },
  }),
  z.strictObject({ about: z.literal('standing'), key: id }),
  z.strictObject({ about: z.literal('budget') }),
]);

export const fromGateway = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('join'),
    protocol: z.literal(PROTOCOL),
    name: z.string().regex(gatewayName),
    /** Random for each start of a process. */
    instance: id,
    pid: count,
    policy: z.enum(['stop', 'continue']),
  }),
  z.strictObject({ type: z.literal('renew'), n: count, applied: count }),
  z.strictObject({ type: z.literal('ack'), seq: count, keys: z.array(standing).max(CHANGE_IDS_MAX) }),
  z.strictObject({ type: z.literal('usage'), n: count, rows: z.array(usageRow).max(USAGE_ROWS_MAX) }),
  z.strictObject({ type: z.literal('enrol'), n: count, key: enrolment }),
  z.strictObject({
    ...{ type: z.literal('answer'), n: count, holds: z.array(hold).max(HOLDS_MAX) },
    /** Whether the decision was taken now; calls that the baseline learned or forgot. */
    ...{ decided: z.boolean().optional(), calls: count.optional() },
    standing: z
      .strictObject({
        ...{ begun: z.boolean(), calls: count, warming: z.boolean(), quarantined: count },
        ...{ keyDays: count, alarmsAllowed: nats, alarmDays: count },
      })
      .optional(),
    budget: z
      .strictObject({ keyDays: count, allowed: nats, spent: count, falseAlarms: count, threshold: nats })
      .optional(),
  }),
  z.strictObject({ type: z.literal('leave') }),
]);

export const fromControl = z.discriminatedUnion('type', [
  /** Everything up to `seq` is in the store. */
  z.strictObject({ type: z.literal('welcome'), seq: count }),
  z.strictObject({ type: z.literal('refused'), why: z.string().max(1_024) }),
  z.strictObject({
    type: z.literal('change'),
    seq: count,
    keys: z.array(id).max(CHANGE_IDS_MAX),
    tenants: z.array(id).max(CHANGE_IDS_MAX),
    cut: z.boolean(),
  }),
  z.strictObject({ type: z.literal('grant'), n: count, leaseMs: ms }),
  z.strictObject({ type: z.literal('usageTaken'), n: count }),
  z.strictObject({ type: z.literal('enrolled'), n: count, stored: z.boolean() }),
  z.strictObject({ type: z.literal('ask'), n: count, question }),
]);

export type FromGateway = z.output<typeof fromGateway>;
export type FromControl = z.output<typeof fromControl>;
export type JoinMessage = Extract<FromGateway, { type: 'join' }>;
export type UsageRow = z.output<typeof usageRow>;
export type Question = z.output<typeof question>;
export type Answer = Omit<Extract<FromGateway, { type: 'answer' }>, 'type' | 'n'>;
export type Enrolment = z.output<typeof enrolment>;

/** Whether a gateway takes it; what an operator typed may be anything, and a message that is none ends the connection. */
export function mayAsk(asked: Question): boolean {
  return question.safeParse(asked).success;
}

/** The other side does not keep to the protocol: the connection is of no use any more. */
export class ProtocolFault extends Error {
  override readonly name = 'ProtocolFault';
}

export function encode(message: FromGateway | FromControl): string {
  return `${JSON.stringify(message)}\n`;
}

/** Cuts a stream of bytes into messages; keeps no more than one line. */
export class Decoder<T> {
  readonly #schema: z.ZodType<T>;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(schema: z.ZodType<T>) {
    this.#schema = schema;
  }

  /** @throws ProtocolFault, and after that the stream cannot be read on */
  take(bytes: Buffer): T[] {
    const messages: T[] = [];
    let from = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
      this.#keep(bytes.subarray(from, end));
      messages.push(this.#message());
      from = end + 1;
    }
    // What the caller reads into next must not change what is kept.
    if (from < bytes.length) this.#keep(Buffer.from(bytes.subarray(from)));
    return messages;
  }

  #keep(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes > LINE_BYTES_MAX)
      throw new ProtocolFault(`A line is longer than ${LINE_BYTES_MAX} bytes.`);
    this.#pieces.push(piece);
  }

  #message(): T {
    const line = Buffer.concat(this.#pieces).toString('utf8');
    this.#pieces = [];
    this.#bytes = 0;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new ProtocolFault('A line is not JSON.');
    }
    const result = this.#schema.safeParse(value);
    if (!result.success) {
      const [issue] = result.error.issues;
      throw new ProtocolFault(`Not a message: ${issue?.path.map(String).join('.')}: ${issue?.message}`);
    }
    return result.data;
  }
}
