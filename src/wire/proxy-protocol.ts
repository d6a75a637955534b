import { type IpAddress, ipFromValue, ipFromWords, parseIp } from './ip-address.js';

/** Result of reading the start of a connection. `source` is undefined where the sender named none. */
export type ProxyHeader =
  | { readonly kind: 'more' }
  | { readonly kind: 'refused'; readonly why: string }
  | {
      readonly kind: 'done';
      /** Bytes of the header; the connection's own data follow. */
      readonly consumed: number;
      readonly source?: { readonly address: IpAddress; readonly port: number };
      /** The proxy speaks for itself (a health check), not for a client. */
      readonly local: boolean;
    };

const V1_BYTES_MAX = 107;
const V2_BODY_BYTES_MAX = 2048;
const V2_PREFIX_BYTES = 16;
const V1_START = Buffer.from('PROXY ', 'latin1');
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const MORE: ProxyHeader = { kind: 'more' };

/**
 * Decodes a PROXY protocol header from the bytes received so far ("The PROXY protocol, versions 1 & 2", HAProxy,
 * doc/proxy-protocol.txt: section 2.1 the human-readable format, 2.2 the binary format, 2.2.1 to 2.2.7 its
 * TLVs, which are skipped). Never throws; asks for `more` only while the bytes can still become a header.
 */
export function decodeProxyHeader(buf: Buffer): ProxyHeader {
  if (startsLike(buf, V2_SIGNATURE)) return buf.length < V2_PREFIX_BYTES ? MORE : decodeV2(buf);
  if (startsLike(buf, V1_START)) return decodeV1(buf);
  return refused('the connection does not start with a PROXY protocol header');
}

function startsLike(buf: Buffer, start: Buffer): boolean {
  const length = Math.min(buf.length, start.length);
  return buf.compare(start, 0, length, 0, length) === 0;
}

function refused(why: string): ProxyHeader {
  return { kind: 'refused', why };
}

/** Section 2.1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n`, or `PROXY UNKNOWN` and anything. */
function decodeV1(buf: Buffer): ProxyHeader {
  const head = buf.subarray(0, V1_BYTES_MAX);
  const end = head.indexOf('\r\n', 0, 'latin1');
  if (end === -1) {
    return head.length < V1_BYTES_MAX ? MORE : refused(`PROXY v1: no line end within ${V1_BYTES_MAX} bytes`);
  }
  const consumed = end + 2;
  const fields = head.toString('latin1', V1_START.length, end).split(' ');
  const [family, from, to, fromPort, toPort] = fields;
  if (family === 'UNKNOWN') return { kind: 'done', consumed, local: false };
  if ((family !== 'TCP4' && family !== 'TCP6') || fields.length !== 5) {
    return refused('PROXY v1: the line is not "TCP4|TCP6 from to port port" or "UNKNOWN"');
  }
  const address = addressV1(family, from);
  const port = portV1(fromPort);
  if (address === undefined || addressV1(family, to) === undefined) {
    return refused(`PROXY v1: an address is not ${family}`);
  }
  if (port === undefined || portV1(toPort) === undefined) return refused('PROXY v1: a port is not valid');
  return { kind: 'done', consumed, source: { address, port }, local: false };
}

function addressV1(family: 'TCP4' | 'TCP6', text = ''): IpAddress | undefined {
  const wellFormed = family === 'TCP4' ? /^[\d.]+$/ : /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/;
  return wellFormed.test(text) ? parseIp(text) : undefined;
}

function portV1(text = ''): number | undefined {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

/** Section 2.2: 12 bytes of signature, version and command, family and transport, length, addresses, TLVs. */
function decodeV2(buf: Buffer): ProxyHeader {
  const version = buf.readUInt8(12) >>> 4;
  const command = buf.readUInt8(12) & 0x0f;
  if (version !== 2) return refused(`PROXY v2: version ${version} is not 2`);
  if (command > 1) return refused(`PROXY v2: command ${command} is not LOCAL or PROXY`);
  const length = buf.readUInt16BE(14);
  if (length > V2_BODY_BYTES_MAX) {
    return refused(`PROXY v2: ${length} bytes of addresses and TLVs; at most ${V2_BODY_BYTES_MAX} are read`);
  }
  const consumed = V2_PREFIX_BYTES + length;
  if (buf.length < consumed) return MORE;
  if (command === 0) return { kind: 'done', consumed, local: true };
  return sourceV2(buf.subarray(V2_PREFIX_BYTES, consumed), buf.readUInt8(13), consumed);
}

function sourceV2(body: Buffer, familyByte: number, consumed: number): ProxyHeader {
  switch (familyByte) {
    case 0x00:
    case 0x31:
      // Unspecified, or a UNIX socket: valid, and it names no address.
      return { kind: 'done', consumed, local: false };
    case 0x11:
      if (body.length < 12) return refused('PROXY v2: too short for IPv4 addresses');
      return {
        kind: 'done',
        consumed,
        source: { address: ipFromValue(body.readUInt32BE(0)), port: body.readUInt16BE(8) },
        local: false,
      };
    case 0x21: {
      if (body.length < 36) return refused('PROXY v2: too short for IPv6 addresses');
      const word = (at: number) => body.readUInt32BE(at);
      const address = ipFromWords([word(0), word(4), word(8), word(12)]);
      return { kind: 'done', consumed, source: { address, port: body.readUInt16BE(32) }, local: false };
    }
    default:
      return refused(`PROXY v2: family and transport 0x${familyByte.toString(16)} are not a TCP connection`);
  }
}
