import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** Other sides, on loopback, as good or bad as a test wants them. */

export interface Received {
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  readonly path: string;
}

export interface HttpReceiver {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  close(): Promise<void>;
}

export async function httpReceiver(
  answer: (request: Received, response: http.ServerResponse) => void,
  tls?: { readonly cert: Buffer; readonly key: Buffer },
): Promise<HttpReceiver> {
  const received: Received[] = [];
  const listener: http.RequestListener = (request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text) => {
      body += text;
    });
    request.on('end', () => {
      const one = { headers: request.headers, body, path: request.url ?? '' };
      received.push(one);
      answer(one, response);
    });
  };
  const server = tls === undefined ? http.createServer(listener) : https.createServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${port}/hook`, port, received },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Speaks no HTTP at all. */
export async function rawReceiver(talk: (socket: net.Socket) => void) {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    talk(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ port, url: `http://127.0.0.1:${port}/hook` },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Mail {
  readonly raw: string;
  readonly to: string[];
  readonly user: unknown;
}

export async function mailServer(
  options: SMTPServerOptions = {},
  onMail: (mail: Mail) => Error | undefined = () => undefined,
) {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData: (stream, session, done) => {
      let raw = '';
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        raw += text;
      });
      stream.on('end', () => {
        const mail = { raw, to: session.envelope.rcptTo.map(({ address }) => address), user: session.user };
        const error = onMail(mail);
        if (error === undefined) mails.push(mail);
        done(error);
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.server.address() as AddressInfo;
  return {
    ...{ port, mails },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

export function messageId({ raw }: Mail): string | undefined {
  return /^Message-ID: <([^>]+)>/im.exec(raw)?.[1];
}

/** The text part, as its reader sees it. */
export function textOf({ raw }: Mail): string {
  const boundary = /boundary="([^"]+)"/.exec(raw)?.[1] ?? '';
  const part = raw.split(`--${boundary}`).find((each) => /content-type: text\/plain/i.test(each)) ?? '';
  const [head = '', ...rest] = part.split('\r\n\r\n');
  return decoded(rest.join('\r\n\r\n'), head).replaceAll('\r\n', '\n').trim();
}

export function attachmentOf({ raw }: Mail): string {
  const boundary = /boundary="([^"]+)"/.exec(raw)?.[1] ?? '';
  const part = raw.split(`--${boundary}`).find((each) => /filename=/i.test(each)) ?? '';
  const [head = '', ...rest] = part.split('\r\n\r\n');
  return decoded(rest.join('\r\n\r\n'), head).trim();
}

function decoded(body: string, head: string): string {
  if (/base64/i.test(head)) return Buffer.from(body, 'base64').toString('utf8');
  if (!/quoted-printable/i.test(head)) return body;
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
