import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { parseConfig } from '../../src/config/load.js';
import { issueInput } from '../../src/keys/inputs.js';
import { type Running, start } from '../../src/runtime.js';

/** A guard in front of a raw TCP upstream, on free ports, with one key that opens it. */
export interface Guarded {
  readonly running: Running;
  readonly port: number;
  readonly key: string;
  readonly keyId: string;
  readonly dataDir: string;
  /** Raw bytes of each upstream connection, as they arrived. */
  readonly received: () => string;
  close(): Promise<void>;
}

/** Answers upstream bytes; called with everything received on the connection so far. */
export type Script = (socket: net.Socket, received: string) => void;

export async function guarded(
  script: Script,
  upstream: Record<string, unknown> = {},
  config: Record<string, unknown> = {},
): Promise<Guarded> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-e2e-'));
  let received = '';
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    let own = '';
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      own += bytes.toString('latin1');
      received += bytes.toString('latin1');
      script(socket, own);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const text = JSON.stringify({
    dataDir: dir,
    listeners: [{ port: 0 }],
    admin: { port: 0 },
    upstreams: [{ name: 'api', url: `http://127.0.0.1:${port}`, ...upstream }],
    ...config,
  });
  const running = await start(parseConfig(text, path.join(dir, 'keyward.yaml')), { journalThread: false });
  const { credential, key } = await running.keys.issue('test', issueInput.parse({ name: 'test' }));
  return {
    running,
    port: running.listeners[0]?.address.port as number,
    key: credential,
    keyId: key.id,
    dataDir: dir,
    received: () => received,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await running.close();
      server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Sends raw bytes and returns everything that comes back until the connection ends or `waitMs` of silence. */
export async function raw(port: number, text: string | Buffer, waitMs = 150): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  let answer = '';
  await new Promise<void>((resolve) => {
    let timer = setTimeout(resolve, 2_000);
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1');
      clearTimeout(timer);
      timer = setTimeout(resolve, waitMs);
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.on('error', () => undefined);
    socket.write(text);
  });
  socket.destroy();
  return answer;
}
