import http from 'node:http';
import { createProxyServer } from 'http-proxy-3';
import { ready, upstreamPort } from './contender.mjs';

const proxy = createProxyServer({
  target: { host: '127.0.0.1', port: upstreamPort },
  agent: new http.Agent({ keepAlive: true, maxSockets: 256 }),
});
proxy.on('error', (_error, _request, response) => response.destroy());
ready(http.createServer((request, response) => proxy.web(request, response)));
