import { once } from 'node:events';
import http from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type Guarded, guarded } from './guarded-api.js';
import { type HttpUpstream, httpUpstream } from './http-upstream.js';
import { call, connect } from './http2-client.js';

let api: Guarded;
let upstream: HttpUpstream;
afterEach(async () => {
  await api.close();
  upstream.close();
});

describe('WebSockets', () => {
  /** An echo: text as text, binary as binary, and closes as it is told. */
  const echo = async (options: Record<string, unknown> = {}) => {
    upstream = await httpUpstream((_request, response) => response.end('plain'));
    const sockets = new WebSocketServer({ server: upstream.server });
    const closes: [number, string][] = [];
    sockets.on('connection', (socket) => {
      socket.on('message', (data, binary) => {
        if (data.toString() === 'close, please') socket.close(4001, 'as asked');
        else socket.send(data, { binary });
      });
      socket.on('close', (code, why) => closes.push([code, why.toString()]));
      socket.on('error', () => undefined);
    });
    api = await guarded(() => undefined, { url: upstream.url, ...options });
    return { sockets, closes };
  };
  const dial = (key: string) =>
    new WebSocket(`ws://127.0.0.1:${api.port}/chat`, { headers: { 'x-api-key': key } });

  it('echo text and binary frames, small and large', async () => {
    const { sockets } = await echo();
    const socket = dial(api.key);
    await once(socket, 'open');
    for (const data of ['hello', 'ünï', 'x'.repeat(1_000_000)]) {
      socket.send(data);
      const [answer, binary] = (await once(socket, 'message')) as [Buffer, boolean];
      expect([answer.toString() === data, binary]).toEqual([true, false]);
    }
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i & 255));
    socket.send(bytes);
    const [answer, binary] = (await once(socket, 'message')) as [Buffer, boolean];
    expect([answer.equals(bytes), binary]).toEqual([true, true]);
    socket.ping('still there');
    expect(String((await once(socket, 'pong'))[0])).toBe('still there');
    expect(sockets.clients.size).toBe(1);
    socket.terminate();
  });

  it('close codes arrive on either side', async () => {
    const { closes } = await echo();
    const first = dial(api.key);
    await once(first, 'open');
    first.send('close, please');
    const [code, why] = (await once(first, 'close')) as [number, Buffer];
    expect([code, why.toString()]).toEqual([4001, 'as asked']);
    const second = dial(api.key);
    await once(second, 'open');
    second.close(4002, 'enough');
    expect((await once(second, 'close'))[0]).toBe(4002);
    await expect.poll(() => closes).toContainEqual([4002, 'enough']);
  });

  it('a client that vanishes closes the upstream, and an upstream that vanishes the client', async () => {
    const { sockets, closes } = await echo();
    const first = dial(api.key);
    await once(first, 'open');
    first.terminate();
    await expect.poll(() => closes.map(([code]) => code)).toEqual([1006]);
    const second = dial(api.key);
    await once(second, 'open');
    for (const each of sockets.clients) each.terminate();
    expect((await once(second, 'close'))[0]).toBe(1006);
  });

  it('a bad key opens none', async () => {
    const { sockets } = await echo();
    const socket = dial('never-issued');
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, http.IncomingMessage];
    expect(response.statusCode).toBe(401);
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(sockets.clients.size).toBe(0);
    response.resume();
    socket.terminate();
  });

  it('where the upstream may not be upgraded, the request is a plain one', async () => {
    const { sockets } = await echo({ upgrades: [] });
    const socket = dial(api.key);
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, http.IncomingMessage];
    expect(response.statusCode).toBe(200);
    expect(sockets.clients.size).toBe(0);
    response.resume();
    socket.terminate();
  });
});

describe('server-sent events', () => {
  /** Sends an event only when the test asks for it. */
  const events = async () => {
    let send: (text: string) => void = () => undefined;
    let closed = false;
    upstream = await httpUpstream((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.flushHeaders();
      send = (text) => response.write(`data: ${text}\n\n`);
      response.on('close', () => {
        closed = true;
      });
    });
    api = await guarded(() => undefined, { url: upstream.url });
    return { send: (text: string) => send(text), closed: () => closed };
  };

  it('arrive one by one, and a client that goes away cancels the upstream', async () => {
    const { send, closed } = await events();
    const request = http.get({ port: api.port, host: '127.0.0.1', headers: { 'x-api-key': api.key } });
    request.on('error', () => undefined);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.on('error', () => undefined);
    for (const text of ['one', 'two', 'three']) {
      send(text);
      expect(String((await once(response, 'data'))[0])).toBe(`data: ${text}\n\n`);
    }
    expect(closed()).toBe(false);
    request.destroy();
    await expect.poll(closed).toBe(true);
  });

  it('so they do over HTTP/2', async () => {
    const { send, closed } = await events();
    const session = await connect(`http://127.0.0.1:${api.port}`);
    const stream = session.request({ ':path': '/', 'x-api-key': api.key });
    stream.on('error', () => undefined);
    await once(stream, 'response');
    for (const text of ['one', 'two', 'three']) {
      send(text);
      expect(String((await once(stream, 'data'))[0])).toBe(`data: ${text}\n\n`);
    }
    expect(closed()).toBe(false);
    stream.close(8);
    await expect.poll(closed).toBe(true);
    // The session lives on.
    expect((await call(session, { ':path': '/' })).status).toBe(401);
    session.destroy();
  });
});
