import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipFromValue } from './ip-address.js';
import { decodeProxyHeader } from './proxy-protocol.js';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const port = fc.integer({ min: 0, max: 0xffff });
const HEADER_BYTES_MAX = 16 + 2048;

function v2Header(from: number, fromPort: number, tlvs: Uint8Array): Buffer {
  const body = Buffer.alloc(16);
  body.set([0x21, 0x11]);
  body.writeUInt16BE(12 + tlvs.length, 2);
  body.writeUInt32BE(from, 4);
  body.writeUInt16BE(fromPort, 12);
  return Buffer.concat([SIGNATURE, body, tlvs]);
}

describe('decodeProxyHeader on any input', () => {
  it('never throws, never consumes more than it got, and never waits for more than its limit', () => {
    const start = fc.constantFrom(
      Buffer.alloc(0),
      Buffer.from('PROXY '),
      Buffer.from('PROXY TCP4 '),
      SIGNATURE,
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 3000 }), (prefix, rest) => {
        const buf = Buffer.concat([prefix, rest]);
        const header = decodeProxyHeader(buf);
        if (header.kind === 'done') expect(header.consumed).toBeLessThanOrEqual(buf.length);
        if (header.kind === 'more') expect(buf.length).toBeLessThan(HEADER_BYTES_MAX);
      }),
    );
  });

  it('reads a header the same however it is cut, and leaves what follows', () => {
    const header = fc.oneof(
      fc.tuple(uint32, port).map(([ip, p]) => ({
        bytes: Buffer.from(`PROXY TCP4 ${ipFromValue(ip).text} 192.0.2.1 ${p} 443\r\n`),
        source: { address: ipFromValue(ip), port: p },
      })),
      fc.tuple(uint32, port, fc.uint8Array({ maxLength: 300 })).map(([ip, p, tlvs]) => ({
        bytes: v2Header(ip, p, tlvs),
        source: { address: ipFromValue(ip), port: p },
      })),
    );
    fc.assert(
      fc.property(header, fc.uint8Array(), ({ bytes, source }, after) => {
        for (let cut = 0; cut < bytes.length; cut += 1) {
          expect(decodeProxyHeader(bytes.subarray(0, cut)).kind).toBe('more');
        }
        const whole = decodeProxyHeader(Buffer.concat([bytes, after]));
        expect(whole).toEqual({ kind: 'done', consumed: bytes.length, source, local: false });
      }),
    );
  });
});
