import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { CidrSet } from '../wire/cidr.js';
import { clientAddress, type ForwardedHeader } from '../wire/client-address.js';
import { type IpAddress, parseIp } from '../wire/ip-address.js';

/** Where strangers may knock: apart from the guarded traffic and from the admin API. */
export interface PublicAddress {
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface PublicListener {
  readonly address: AddressInfo;
  close(): Promise<void>;
}

/** As the guard itself finds the client; it may change while it runs. */
export interface Forwarding {
  readonly trusted: CidrSet;
  readonly header: ForwardedHeader;
}

const CONNECTIONS_MAX = 512;
const REQUEST_MS = 10_000;
const HEADER_BYTES_MAX = 16 * 1024;

export async function listenPublicly(
  { host, port, tls }: PublicAddress,
  handler: http.RequestListener,
): Promise<PublicListener> {
  const limits = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, maxHeaderSize: HEADER_BYTES_MAX };
  const server =
    tls === undefined
      ? http.createServer(limits, handler)
      : https.createServer({ ...limits, cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, handler);
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    address: server.address() as AddressInfo,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The client's address behind trusted proxies, as far as rates are counted by it. */
export function placeOf(request: http.IncomingMessage, forwarding: Forwarding): string {
  const peer = parseIp(request.socket.remoteAddress ?? '');
  if (peer === undefined) return 'unknown';
  const lines = (name: string) => request.headersDistinct[name] ?? [];
  const forwardedFor = lines('x-forwarded-for');
  return placeText(clientAddress({ peer, forwardedFor, forwarded: lines('forwarded'), ...forwarding }));
}

/** IPv6 clients have a whole /64 to themselves. */
function placeText(address: IpAddress): string {
  return address.family === 4
    ? address.text
    : `${address.words[0].toString(16)}:${address.words[1].toString(16)}`;
}
