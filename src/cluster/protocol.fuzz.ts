import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  Decoder,
  encode,
  type FromControl,
  type FromGateway,
  fromControl,
  fromGateway,
  LINE_BYTES_MAX,
  ProtocolFault,
} from './protocol.js';

const count = fc.nat();
const id = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' });
const standing = fc.record({
  key: id,
  last: fc.option(fc.record({ request: id, agoMs: fc.double({ min: 0, max: 1e9, noNaN: true }) })),
  running: count,
  aborted: count,
});
const gatewayMessage: fc.Arbitrary<FromGateway> = fc.oneof(
  fc.record({ type: fc.constant('renew' as const), n: count, applied: count }),
  fc.record({ type: fc.constant('ack' as const), seq: count, keys: fc.array(standing, { maxLength: 5 }) }),
  fc.record({
    type: fc.constant('usage' as const),
    n: count,
    rows: fc.array(fc.record({ key: id, accepted: count, refused: count, lastUserAgent: id }), {
      maxLength: 5,
    }),
  }),
  fc.record({
    ...{ type: fc.constant('answer' as const), n: count, calls: count },
    holds: fc.constantFrom<[]>([]),
    standing: fc.record({
      ...{ begun: fc.boolean(), calls: count, warming: fc.boolean(), quarantined: count },
      ...{ keyDays: count, alarmsAllowed: count, alarmDays: count },
    }),
    budget: fc.record({
      ...{ keyDays: count, allowed: count, spent: count },
      ...{ falseAlarms: count, threshold: count },
    }),
  }),
  fc.constant({ type: 'leave' as const }),
);
const controlMessage: fc.Arbitrary<FromControl> = fc.oneof(
  fc.record({ type: fc.constant('welcome' as const), seq: count }),
  fc.record({
    ...{ type: fc.constant('ask' as const), n: count },
    question: fc.record({ about: fc.constant('hold' as const), id }),
  }),
  fc.record({
    type: fc.constant('change' as const),
    seq: count,
    keys: fc.array(id, { maxLength: 5 }),
    tenants: fc.array(id, { maxLength: 5 }),
    cut: fc.boolean(),
  }),
  fc.record({ type: fc.constant('grant' as const), n: count, leaseMs: count }),
);

/** The same bytes, in pieces of any size. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

it('what is sent arrives, in order, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(gatewayMessage, { maxLength: 8 }),
      fc.array(controlMessage, { maxLength: 8 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (up, down, cuts) => {
        const gateway = new Decoder<FromGateway>(fromGateway);
        const control = new Decoder<FromControl>(fromControl);
        const sent = (messages: readonly (FromGateway | FromControl)[]) =>
          pieces(Buffer.from(messages.map(encode).join('')), cuts);
        const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;
        expect(sent(up).flatMap((piece) => gateway.take(piece))).toEqual(plain(up));
        expect(sent(down).flatMap((piece) => control.take(piece))).toEqual(plain(down));
      },
    ),
    { numRuns: 500 },
  );
});

it('any other bytes are a ProtocolFault, never another error, and never a message', () => {
  const lines = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text)),
    gatewayMessage.map((message) => Buffer.from(JSON.stringify({ ...message, more: 1 }))),
  );
  fc.assert(
    fc.property(lines, (line) => {
      const decoder = new Decoder<FromGateway>(fromGateway);
      expect(() => decoder.take(Buffer.concat([line, Buffer.from('\n')]))).toThrow(ProtocolFault);
    }),
    { numRuns: 1_000 },
  );
});

it('keeps no more than one line', () => {
  const decoder = new Decoder<FromGateway>(fromGateway);
  const piece = Buffer.alloc(64 * 1024, 'a');
  for (let bytes = piece.length; bytes <= LINE_BYTES_MAX; bytes += piece.length) decoder.take(piece);
  expect(() => decoder.take(piece)).toThrow('longer than');
});
