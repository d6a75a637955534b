import proxy from '@fastify/http-proxy';
import Fastify from 'fastify';
import { upstreamPort } from './contender.mjs';

const app = Fastify({ logger: false });
await app.register(proxy, {
  upstream: `http://127.0.0.1:${upstreamPort}`,
  undici: { connections: 256, pipelining: 1 },
});
await app.listen({ port: 0, host: '127.0.0.1' });
console.log(JSON.stringify({ port: app.server.address().port }));
