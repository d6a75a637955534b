import type { IpAddress } from '../../wire/ip-address.js';

/** What the listener knows of a connection's other end. */
export interface Peer {
  readonly address: IpAddress;
  readonly scheme: 'http' | 'https';
  /** Set when the requests come from HTTP/2 streams. */
  readonly version?: '2';
}

/** One end of a client's connection as the listener keeps it. */
export interface ClientEnd {
  checkTime(nowMs: number): void;
  /** Closes when idle; requests in progress are finished first. */
  drain(): void;
  /** Cuts exchanges of these keys that have been forwarded. @returns the key of each */
  cut(keys: ReadonlySet<string>): string[];
}

/** Takes over a connection that begins with an HTTP/2 preface; `bytes` are those read so far. */
export type TakeHttp2 = (bytes: Buffer) => void;

/** How HTTP/2 with prior knowledge begins (RFC 9113 section 3.4). */
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\n');

export function beginsHttp2(bytes: Buffer): boolean {
  if (bytes[0] !== HTTP2_PREFACE[0]) return false;
  return bytes.subarray(0, HTTP2_PREFACE.length).equals(HTTP2_PREFACE);
}
