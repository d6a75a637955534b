import http from 'node:http';

/**
 * The API behind the gateways, and the judge: it records which key each request carried, and is told, over a
 * connection of its own, which keys are dead. A request that comes in with a dead key was accepted after the
 * acknowledgement, and so was every probe.
 */
const dead = new Set();
const perKey = new Map();
const late = [];
let accepted = 0;

const server = http.createServer((request, response) => {
  if (request.url === '/judge/dead') {
    let body = '';
    request.on('data', (bytes) => {
      body += bytes;
    });
    request.on('end', () => {
      // What was sent before this marker lies in sockets that are read in this turn of the event loop or, where the
      // connection itself is new, in the next.
      setImmediate(() =>
        setImmediate(() => {
          for (const key of JSON.parse(body)) dead.add(key);
          response.end();
        }),
      );
    });
    return;
  }
  if (request.url === '/judge/report') {
    response.end(JSON.stringify({ accepted, keys: perKey.size, dead: dead.size, late }));
    return;
  }
  const key = request.headers['x-api-key'];
  const probe = request.headers['x-probe'];
  accepted += 1;
  perKey.set(key, (perKey.get(key) ?? 0) + 1);
  if (probe !== undefined || dead.has(key))
    late.push({ key: String(key).slice(0, 20), probe: probe ?? null, path: request.url });
  response.end('ok');
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
