import http from 'node:http';
import { Pool } from 'undici';
import { ready, upstreamPort } from './contender.mjs';

// The fastest forwarding path of Node that we know of: node:http in front, undici's dispatch behind it, raw
// headers through, no checks.
const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { connections: 256, pipelining: 1 });
const HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'host',
]);

function forwardable(rawHeaders) {
  const kept = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (!HOP.has(typeof name === 'string' ? name.toLowerCase() : name.toString('latin1').toLowerCase()))
      kept.push(name, rawHeaders[i + 1]);
  }
  return kept;
}

class Relay {
  constructor(response) {
    this.response = response;
  }
  onConnect(abort) {
    this.response.on('close', () => {
      if (!this.response.writableFinished) abort();
    });
  }
  onHeaders(status, rawHeaders, resume) {
    this.resume = resume;
    this.response.writeHead(
      status,
      forwardable(rawHeaders).map((each) => (typeof each === 'string' ? each : each.toString('latin1'))),
    );
    return true;
  }
  onData(chunk) {
    if (this.response.write(chunk)) return true;
    this.response.once('drain', this.resume);
    return false;
  }
  onComplete() {
    this.response.end();
  }
  onError() {
    this.response.destroy();
  }
}

ready(
  http.createServer((request, response) => {
    const { method, url, headers } = request;
    const body = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
    pool.dispatch(
      { method, path: url, headers: forwardable(request.rawHeaders), body: body ? request : null },
      new Relay(response),
    );
  }),
);
