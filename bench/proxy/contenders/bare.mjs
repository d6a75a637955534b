import http from 'node:http';
import { ready, upstreamPort } from './contender.mjs';

// Bare node:http on both ends, no checks.
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
const server = http.createServer((request, response) => {
  const { method, url, headers } = request;
  const outgoing = http.request(
    { agent, host: '127.0.0.1', port: upstreamPort, method, path: url, headers },
    (incoming) => {
      response.writeHead(incoming.statusCode, incoming.rawHeaders);
      incoming.pipe(response);
    },
  );
  outgoing.on('error', () => response.destroy());
  request.pipe(outgoing);
});
ready(server);
