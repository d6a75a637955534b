import http from 'node:http';
import httpProxy from 'http-proxy';
import { ready, upstreamPort } from './contender.mjs';

const proxy = httpProxy.createProxyServer({
  target: { host: '127.0.0.1', port: upstreamPort },
  agent: new http.Agent({ keepAlive: true, maxSockets: 256 }),
});
proxy.on('error', (_error, _request, response) => response.destroy());
ready(http.createServer((request, response) => proxy.web(request, response)));
