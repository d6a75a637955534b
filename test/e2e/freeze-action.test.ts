import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Guarded, guarded, raw } from './guarded-api.js';
import { until } from './running-guard.js';
import { headOf, holdIn, JSON_LINES, steal } from './stranger.js';

const COMMAND = 'POST /api/runCommand';
/** Privilege 4 with a password in its body, else 2. */
const USER = 'PUT /api/systemusers/5f1b2c3d4e5f6a7b8c9d0e1f';
const OWNER = { address: '198.51.100.7', agent: 'python-requests/2.31.0' };

let guard: Guarded;
beforeAll(async () => {
  guard = await guarded(
    (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    { catalog: 'jumpcloud' },
    {
      trustedProxies: ['127.0.0.1'],
      detector: { mode: 'enforce', actions: ['flag', 'flag', 'hold', 'hold', 'freeze'] },
    },
  );
  for (let n = 0; n < 60; n++) await owner(n % 2 === 0 ? 'GET /api/systemusers' : 'GET /api/v2/usergroups');
});
afterAll(() => guard?.close());

const owner = (line: string) => raw(guard.port, headOf(guard, line, [], OWNER));
const frozen = () => guard.running.keys.show(guard.keyId).frozen;
const pause = () => new Promise((resolve) => setTimeout(resolve, 300));

async function stealUntilHeld(line: string, body: (n: number) => object): Promise<string> {
  for (let n = 0; n < 15; n++) {
    const hold = holdIn(await steal(guard, line, JSON_LINES, JSON.stringify(body(n))));
    if (hold !== undefined) return hold;
  }
  throw new Error('nothing was held');
}

it('goes by what the body does: a call that is held for less freezes nothing', async () => {
  await stealUntilHeld(USER, (n) => ({ firstname: `n${n}` }));
  await pause();
  expect(frozen()).toBeUndefined();
});

it('holds the call and freezes the key: the owner goes on, what is privileged does not, until somebody thaws it', async () => {
  const { containment, incidents } = guard.running;
  await stealUntilHeld(COMMAND, (n) => ({ _id: `${n}` }));
  await until(() => frozen() !== undefined);
  const [plan] = containment.list();
  expect(plan).toMatchObject({ by: 'keyward', options: { measure: 'freeze' } });
  expect(plan?.options.why).toMatch(/^\S+ \(privilege 4\) with evidence of [\d.]+ nats: the action/);
  expect(await owner('GET /api/systemusers')).toMatch(/^HTTP\/1\.1 200/);
  expect(await steal(guard, COMMAND, JSON_LINES, '{"_id":"a"}')).toContain('key_frozen');
  expect(incidents.list().flatMap(({ history }) => history.map(({ act }) => act))).toContain('contained');

  await containment.undo('anna', plan?.id ?? '');
  expect(frozen()).toBeUndefined();
  expect(holdIn(await steal(guard, COMMAND, JSON_LINES, '{"_id":"b"}'))).toBeDefined();
  await pause();
  // Whoever thawed it has decided.
  expect(frozen()).toBeUndefined();
});
