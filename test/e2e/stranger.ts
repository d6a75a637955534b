import net from 'node:net';
import { vi } from 'vitest';
import { type Guarded, guarded, raw, type Script } from './guarded-api.js';

/** A guard that enforces, with a key of settled habits that somebody else has got hold of. */

export const OWNER = { address: '198.51.100.7', agent: 'python-requests/2.31.0' };
export const THIEF = { address: '203.0.113.66', agent: 'curl/8.4.0' };

const ok: Script = (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');

/** The same before anybody has got hold of it. */
export async function settledKey(
  config: Record<string, unknown> = {},
  script: Script = ok,
  upstream: Record<string, unknown> = {},
): Promise<Guarded> {
  const guard = await guarded(
    script,
    { catalog: 'jumpcloud', ...upstream },
    { trustedProxies: ['127.0.0.1'], detector: { mode: 'enforce' }, ...config },
  );
  await overHours(60, (n) =>
    raw(
      guard.port,
      headOf(guard, n % 2 === 0 ? 'GET /api/systemusers' : 'GET /api/v2/usergroups', [], OWNER),
    ),
  );
  return guard;
}

/** A call every ten minutes up to now, by the clock on the wall: what was done within one hour is hardly known. */
export async function overHours(calls: number, call: (n: number) => Promise<unknown>): Promise<void> {
  const nowMs = Date.now();
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    for (let n = 0; n < calls; n++) {
      vi.setSystemTime(nowMs - (calls - n) * 600_000);
      await call(n);
    }
  } finally {
    vi.useRealTimers();
  }
}

export async function stolenKey(...parts: Parameters<typeof settledKey>): Promise<Guarded> {
  const guard = await settledKey(...parts);
  await stealUntilHeld(guard, 'POST /api/runCommand', () => ({ _id: '5f1b2c3d4e5f6a7b8c9d0e1f' }));
  return guard;
}

/** Calls by the thief, each with a body of its own, until one is held. */
export async function stealUntilHeld(
  guard: Guarded,
  line: string,
  body: (n: number) => object,
): Promise<void> {
  for (let n = 0; n < 15; n++)
    if (holdIn(await steal(guard, line, JSON_LINES, JSON.stringify(body(n)))) !== undefined) return;
  throw new Error('nothing was held');
}

export const JSON_LINES = ['Content-Type: application/json'];

/** The head of a call by the thief. */
export function headOf(
  guard: Pick<Guarded, 'key'>,
  line: string,
  lines: readonly string[],
  who = THIEF,
): string {
  const all = [
    `${line} HTTP/1.1`,
    'Host: api',
    `x-api-key: ${guard.key}`,
    `X-Forwarded-For: ${who.address}`,
    `User-Agent: ${who.agent}`,
    'Connection: close',
    ...lines,
  ];
  return `${all.join('\r\n')}\r\n\r\n`;
}

/** A whole call by the thief, its body with a Content-Length. */
export function steal(
  guard: Guarded,
  line: string,
  lines: readonly string[],
  body: string | Buffer,
): Promise<string> {
  const bytes = Buffer.from(body);
  const head = headOf(guard, line, [...lines, `Content-Length: ${bytes.length}`]);
  return raw(guard.port, Buffer.concat([Buffer.from(head), bytes]));
}

export const holdIn = (answer: string): string | undefined => /"hold":"(h_[\w-]+)"/.exec(answer)?.[1];

/** A connection that the test writes to piece by piece. */
export function dial(port: number): { readonly socket: net.Socket; readonly answer: () => string } {
  const socket = net.connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes.toString('latin1');
  });
  socket.on('error', () => undefined);
  return { socket, answer: () => answer };
}
