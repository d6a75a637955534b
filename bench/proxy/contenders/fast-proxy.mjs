import http from 'node:http';
import fastProxy from 'fast-proxy';
import { ready, upstreamPort } from './contender.mjs';

const { proxy } = fastProxy({
  base: `http://127.0.0.1:${upstreamPort}`,
  undici: { connections: 256, pipelining: 1 },
});
ready(http.createServer((request, response) => proxy(request, response, request.url, {})));
