import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import type { ListenerConfig } from '../../config/schema.js';
import { type IpAddress, parseIp } from '../../wire/ip-address.js';
import { decodeProxyHeader } from '../../wire/proxy-protocol.js';
import { ClientConnection } from './client-connection.js';
import type { ClientEnd, Peer } from './client-end.js';
import type { Gateway } from './gateway.js';
import { Http2Connection } from './http2-connection.js';

const SWEEP_MS = 250;
const PROXY_HEADER_MS = 5_000;
const UNKNOWN_PEER: IpAddress = { family: 4, text: '0.0.0.0', value: 0 };

/** A listening socket and the connections that came in through it. */
export interface Listener {
  readonly address: net.AddressInfo;
  readonly connections: ReadonlySet<ClientEnd>;
  /** Reads certificate and key again: connections to come use them. @throws when they cannot be used */
  renew(config: ListenerConfig): void;
  /** Stops accepting, lets requests in progress finish within `graceMs`, then cuts. */
  close(graceMs: number): Promise<void>;
}

type Serve = (socket: net.Socket, peer: Peer) => void;

/** Accepts clients as configured: PROXY protocol first, then TLS, then HTTP/2 or HTTP/1.1. */
export async function listen(config: ListenerConfig, gateway: Gateway): Promise<Listener> {
  const connections = new Set<ClientEnd>();
  const sockets = new Set<net.Socket>();
  const keep = (socket: net.Socket, end: ClientEnd) => {
    connections.add(end);
    socket.once('close', () => connections.delete(end));
  };
  const serveHttp2: Serve = (socket, peer) => keep(socket, new Http2Connection(socket, gateway, peer));
  const serve: Serve = (socket, peer) => keep(socket, new ClientConnection(socket, gateway, peer));
  const serveCleartext: Serve = (socket, peer) => {
    const connection = new ClientConnection(socket, gateway, peer, (bytes) => {
      connections.delete(connection);
      socket.pause();
      socket.unshift(bytes);
      serveHttp2(socket, peer);
    });
    keep(socket, connection);
  };

  const secure =
    config.tls === undefined
      ? undefined
      : tlsServer(config.tls, (socket, peer) =>
          (socket.alpnProtocol === 'h2' ? serveHttp2 : serve)(socket, peer),
        );
  const accept = (socket: net.Socket, address: IpAddress) => {
    if (secure === undefined) {
      serveCleartext(socket, { address, scheme: 'http' });
      socket.resume();
      return;
    }
    peers.set(socket, address);
    secure.emit('connection', socket);
  };

  // Half-open under TLS, a client that leaves during the handshake would be waited for.
  const allowHalfOpen = secure === undefined;
  const server = net.createServer({ allowHalfOpen, noDelay: true }, (socket) => {
    if (sockets.size >= gateway.bounds.connectionsMax) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (config.proxyProtocol === 'require') readProxyHeader(socket, gateway, accept);
    else accept(socket, parseIp(socket.remoteAddress ?? '') ?? UNKNOWN_PEER);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: config.host, port: config.port, backlog: 1024 }, resolve);
  });

  return asListener(server, connections, sockets, secure);
}

function asListener(
  server: net.Server,
  connections: ReadonlySet<ClientEnd>,
  sockets: ReadonlySet<net.Socket>,
  secure: tls.Server | undefined,
): Listener {
  const sweep = setInterval(() => {
    const nowMs = Date.now();
    for (const connection of connections) connection.checkTime(nowMs);
  }, SWEEP_MS);
  sweep.unref();
  return {
    address: server.address() as net.AddressInfo,
    connections,
    renew: ({ tls: files }) => {
      if (files !== undefined) secure?.setSecureContext(secureContext(files));
    },
    close: async (graceMs) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) connection.drain();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearTimeout(timer);
      clearInterval(sweep);
    },
  };
}

/** Addresses of raw sockets whose TLS handshake is in progress. */
const peers = new WeakMap<net.Socket, IpAddress>();

function tlsServer(
  config: NonNullable<ListenerConfig['tls']>,
  serve: (socket: tls.TLSSocket, peer: Peer) => void,
): tls.Server {
  const server = tls.createServer({
    ...secureContext(config),
    ALPNProtocols: ['h2', 'http/1.1'],
    handshakeTimeout: 10_000,
    ...(config.clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true }),
  });
  server.on('secureConnection', (socket) => {
    const address = parseIp(socket.remoteAddress ?? '') ?? UNKNOWN_PEER;
    serve(socket, { address: addressOf(socket) ?? address, scheme: 'https' });
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

function secureContext(config: NonNullable<ListenerConfig['tls']>): tls.SecureContextOptions {
  return {
    cert: readFileSync(config.cert),
    key: readFileSync(config.key),
    ...(config.clientCa === undefined ? {} : { ca: readFileSync(config.clientCa) }),
  };
}

/** @throws when certificate, key or CA cannot be used */
export function assertUsable(config: ListenerConfig): void {
  if (config.tls !== undefined) tls.createSecureContext(secureContext(config.tls));
}

/** The address that was noted for the TCP socket below a TLS socket. */
function addressOf(socket: tls.TLSSocket): IpAddress | undefined {
  const below = (socket as unknown as { _parent?: net.Socket })._parent;
  return below === undefined ? undefined : peers.get(below);
}

/** PROXY protocol: only trusted proxies may send it, and then they must. */
function readProxyHeader(
  socket: net.Socket,
  gateway: Gateway,
  accept: (socket: net.Socket, address: IpAddress) => void,
): void {
  const peer = parseIp(socket.remoteAddress ?? '');
  if (peer === undefined || !gateway.loop.forwarding.trusted.has(peer)) {
    socket.destroy();
    return;
  }
  let held = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), PROXY_HEADER_MS);
  socket.once('close', () => clearTimeout(timer));
  const onData = (bytes: Buffer) => {
    held = Buffer.concat([held, bytes]);
    const header = decodeProxyHeader(held);
    if (header.kind === 'more') return;
    clearTimeout(timer);
    socket.off('data', onData);
    if (header.kind === 'refused') {
      socket.destroy();
      return;
    }
    socket.pause();
    const rest = held.subarray(header.consumed);
    if (rest.length > 0) socket.unshift(rest);
    // Left paused: what TLS does not take from the buffer itself would be lost.
    accept(socket, header.source?.address ?? peer);
  };
  socket.on('data', onData);
}
