import { once } from 'node:events';
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly interim: readonly number[];
  readonly body: string;
  readonly trailers: Record<string, unknown>;
  /** 0 for a clean end. */
  readonly rstCode: number;
}

export async function connect(
  url: string,
  options: http2.SecureClientSessionOptions = {},
): Promise<ClientHttp2Session> {
  const session = http2.connect(url, options);
  session.on('error', () => undefined);
  await once(session, 'connect');
  return session;
}

/** Gathers the whole answer; a stream that breaks gives what came and its code. */
export async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  let headers: Record<string, string | string[] | undefined> = {};
  let trailers: Record<string, unknown> = {};
  const interim: number[] = [];
  const chunks: Buffer[] = [];
  stream.on('headers', (each) => interim.push(Number(each[':status'])));
  stream.on('response', (each) => {
    headers = { ...each } as typeof headers;
  });
  stream.on('trailers', (each) => {
    trailers = { ...each };
  });
  stream.on('data', (bytes: Buffer) => chunks.push(bytes));
  stream.on('error', () => undefined);
  await new Promise((resolve) => stream.once('close', resolve));
  return {
    status: Number(headers[':status'] ?? 0),
    headers,
    interim,
    body: Buffer.concat(chunks).toString('latin1'),
    trailers,
    rstCode: stream.rstCode,
  };
}

export function call(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string | Buffer,
): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return answerOf(stream);
}
