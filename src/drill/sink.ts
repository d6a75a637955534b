import http from 'node:http';
import type { AddressInfo } from 'node:net';

const BODY_BYTES_MAX = 4 * 1024 * 1024;

/** Stands for everything outside during a drill: the upstreams, and whoever is told. */
export interface Sink {
  readonly port: number;
  /** Requests that reached an upstream, by the drill's own mark. */
  readonly reached: Set<string>;
  /** Bodies of notices as they came. */
  readonly notices: string[];
  close(): Promise<void>;
}

/** A request's mark, so that it is known again at the sink: what the guard forwards is what was let through. */
export const MARK_HEADER = 'x-drill-mark';
export const NOTICE_PATH = '/keyward-drill/notice';

export async function openSink(): Promise<Sink> {
  const reached = new Set<string>();
  const notices: string[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
    });
    request.on('end', () => {
      const mark = request.headers[MARK_HEADER];
      if (typeof mark === 'string') reached.add(mark);
      if (request.url === NOTICE_PATH) notices.push(Buffer.concat(chunks).toString('utf8'));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    ...{ reached, notices },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
