import http from 'node:http';
import https from 'node:https';
import type net from 'node:net';

/** A real HTTP server to stand behind the guard. */
export interface HttpUpstream {
  readonly port: number;
  readonly url: string;
  readonly server: http.Server;
  close(): void;
}

export async function httpUpstream(
  handler: http.RequestListener,
  tls?: https.ServerOptions,
): Promise<HttpUpstream> {
  const server = tls === undefined ? http.createServer(handler) : https.createServer(tls, handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  return {
    port,
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    server,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
