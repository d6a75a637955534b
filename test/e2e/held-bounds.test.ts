import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Guarded } from './guarded-api.js';
import { connect } from './http2-client.js';
import { dial, headOf, holdIn, JSON_LINES, steal, stolenKey } from './stranger.js';

const IDLE_MS = 400;
const HELD_BYTES_MAX = 8_192;

let guard: Guarded;
const before = (clients: Record<string, number>) =>
  beforeAll(async () => {
    reader = undefined;
    guard = await stolenKey({ clients });
  });
const after = () => afterAll(() => guard?.close());

let users = 0;
/** A call to a path of its own, so that its entry can be found. */
const update = () => {
  users += 1;
  return `/api/systemusers/${users.toString(16).padStart(24, '5')}`;
};

interface Entry {
  readonly kind: string;
  readonly request: string;
  readonly path?: string;
  readonly outcome?: { readonly status: number; readonly aborted?: string; readonly bytesIn: number };
}

let reader: string | undefined;
/** What the journal says became of a call; undefined before it knows of it. */
async function outcomesOf(path: string): Promise<Entry['outcome'][] | undefined> {
  const { operators, admin } = guard.running;
  reader ??= (await operators.add('test', 'reader', 'viewer')).token;
  const answer = await fetch(`http://127.0.0.1:${admin.address.port}/v1/journal?limit=10000`, {
    headers: { authorization: `Bearer ${reader}` },
  });
  const { entries } = (await answer.json()) as { entries: Entry[] };
  const request = entries.find((each) => each.path === path)?.request;
  if (request === undefined) return undefined;
  return entries
    .filter((each) => each.request === request && each.outcome !== undefined)
    .map(({ outcome }) => outcome);
}

const findings = () =>
  guard.running.incidents
    .list()
    .flatMap(({ trails }) => trails)
    .reduce((sum, { leads }) => sum + leads, 0);

function begin(path: string, lines: readonly string[], body: string) {
  const dialled = dial(guard.port);
  dialled.socket.write(headOf(guard, `PUT ${path}`, [...JSON_LINES, ...lines]) + body);
  return dialled;
}

describe('the body of a held call has its time', () => {
  before({ idleMs: IDLE_MS });
  after();

  it.each([
    ['silent', 0],
    ['slow', 50],
  ])('408, the connection closed, the entry complete: %s', async (_, everyMs) => {
    const path = update();
    const before = findings();
    const { socket, answer } = begin(path, ['Content-Length: 100'], '{');
    const timer = everyMs === 0 ? undefined : setInterval(() => socket.write(' '), everyMs);
    const closed = new Promise((resolve) => socket.once('end', resolve));
    await expect.poll(answer, { timeout: 3_000 }).toMatch(/^HTTP\/1\.1 408 [\s\S]*request_timeout/);
    clearInterval(timer);
    await closed;
    await expect
      .poll(() => outcomesOf(path))
      .toEqual([expect.objectContaining({ status: 408, aborted: 'request_timeout' })]);
    // Whoever sends slowly is told of all the same, once.
    expect(findings()).toBe(before + 1);
    socket.destroy();
  });

  it('over HTTP/2 too', async () => {
    const session = await connect(`http://127.0.0.1:${guard.port}`);
    const stream = session.request(
      {
        ...{ ':method': 'PUT', ':path': update(), 'x-api-key': guard.key },
        ...{
          'x-forwarded-for': '203.0.113.66',
          'user-agent': 'curl/8.4.0',
          'content-type': 'application/json',
        },
      },
      { endStream: false },
    );
    let status: unknown;
    stream.on('response', (headers) => {
      status = headers[':status'];
    });
    stream.on('error', () => undefined);
    stream.write('{');
    await expect.poll(() => status, { timeout: 3_000 }).toBe(408);
    session.destroy();
  });
});

describe('the entry of a held call is made when it ends', () => {
  before({});
  after();

  it('when its client goes away', async () => {
    const path = update();
    const { socket } = begin(path, ['Content-Length: 100'], '{"a":');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await outcomesOf(path)).toBeUndefined();
    socket.destroy();
    await expect
      .poll(() => outcomesOf(path))
      .toEqual([expect.objectContaining({ status: 0, aborted: 'client_aborted', bytesIn: 5 })]);
  });

  it('when its body is too large, or malformed', async () => {
    const [large, broken] = [update(), update()];
    begin(large, ['Content-Length: 1000000'], '');
    begin(broken, ['Transfer-Encoding: chunked'], 'zz\r\n');
    await expect
      .poll(() => outcomesOf(large))
      .toEqual([expect.objectContaining({ status: 403, aborted: 'hold_impossible' })]);
    await expect
      .poll(() => outcomesOf(broken))
      .toEqual([expect.objectContaining({ status: 400, aborted: 'request_malformed' })]);
  });
});

describe('bodies of held calls', () => {
  before({ heldBytesMax: HELD_BYTES_MAX });
  after();

  const body = (bytes: number) => `{"sudo":"${'x'.repeat(bytes - 11)}"}`;
  const ask = (bytes: number) => steal(guard, `PUT ${update()}`, JSON_LINES, body(bytes));

  it('take no more memory in all than is allowed, and give it back', async () => {
    expect(holdIn(await ask(5_000))).toBeDefined();
    const { socket } = begin(update(), ['Content-Length: 6000'], body(6_000).slice(0, 5_000));
    await expect
      .poll(() => ask(5_000))
      .toMatch(/^HTTP\/1\.1 403 [\s\S]*too many calls[\s\S]*hold_impossible/);
    socket.destroy();
    await expect.poll(async () => holdIn(await ask(5_000))).toBeDefined();
    // Whatever became of them.
    for (let n = 0; n < 3; n++) {
      await ask(HELD_BYTES_MAX + 1);
      expect(await steal(guard, `PUT ${update()}`, JSON_LINES, '{"lastname":"B"}')).toMatch(
        /^HTTP\/1\.1 200/,
      );
    }
    expect(holdIn(await ask(5_000))).toBeDefined();
  });
});
