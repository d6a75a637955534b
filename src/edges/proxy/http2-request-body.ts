import http2, { type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { type BodyCoding, http1Trailers } from '../../wire/http2-fields.js';

/** Writes the content of a stream to `bridge` as an HTTP/1.1 body, as fast as that takes it. */
export function bridgeRequestBody(stream: ServerHttp2Stream, bridge: Duplex, coding: BodyCoding): void {
  let sent = 0;
  let trailers = '';
  const malformed = () => {
    bridge.destroy();
    stream.close(http2.constants.NGHTTP2_PROTOCOL_ERROR);
  };
  stream.on('data', (bytes: Buffer) => {
    // The answer is complete: what still comes is thrown away.
    if (bridge.destroyed || bytes.length === 0) return;
    sent += bytes.length;
    // nghttp2 sees to it too; but one byte too many here would be a second request.
    if (coding.kind !== 'chunked' && sent > lengthOf(coding)) return malformed();
    if (!bridge.write(coding.kind === 'chunked' ? chunk(bytes) : bytes)) stream.pause();
  });
  stream.on('trailers', (_headers: unknown, _flags: unknown, fields: string[]) => {
    const text = http1Trailers(fields);
    if (text === undefined) malformed();
    else trailers = text;
  });
  stream.on('end', () => {
    if (bridge.destroyed) return;
    if (coding.kind === 'chunked') bridge.write(`0\r\n${trailers}\r\n`, 'latin1');
    else if (sent !== lengthOf(coding)) malformed();
  });
  bridge.on('drain', () => stream.resume());
  bridge.on('close', () => stream.resume());
}

function lengthOf(coding: Exclude<BodyCoding, { kind: 'chunked' }>): number {
  return coding.kind === 'length' ? coding.bytes : 0;
}

/** One buffer, so that a chunk is one write all the way. */
function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}
