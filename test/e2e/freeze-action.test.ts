import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Guarded, raw } from './guarded-api.js';
import { until } from './running-guard.js';
import { headOf, holdIn, JSON_LINES, OWNER, settledKey, steal, stealUntilHeld } from './stranger.js';

const COMMAND = 'POST /api/runCommand';
/** Privilege 4 with a password in its body, else 2. */
const USER = 'PUT /api/systemusers/5f1b2c3d4e5f6a7b8c9d0e1f';

let guard: Guarded;
beforeAll(async () => {
  const actions = ['flag', 'flag', 'hold', 'hold', 'freeze'];
  guard = await settledKey({ detector: { mode: 'enforce', actions } });
});
afterAll(() => guard?.close());

const owner = (line: string) => raw(guard.port, headOf(guard, line, [], OWNER));
const frozen = () => guard.running.keys.show(guard.keyId).frozen;
const pause = () => new Promise((resolve) => setTimeout(resolve, 300));

it('goes by what the body does: a call that is held for less freezes nothing', async () => {
  await stealUntilHeld(guard, USER, (n) => ({ firstname: `n${n}` }));
  await pause();
  expect(frozen()).toBeUndefined();
});

it('holds the call and freezes the key: the owner goes on, what is privileged does not, until somebody thaws it', async () => {
  const { containment, incidents } = guard.running;
  await stealUntilHeld(guard, COMMAND, (n) => ({ _id: `${n}` }));
  await until(() => frozen() !== undefined);
  const [plan] = containment.list();
  expect(plan).toMatchObject({ by: 'keyward', options: { measure: 'freeze' } });
  expect(plan?.options.why).toMatch(/^\S+ \(privilege 4\) with evidence of [\d.]+ nats: the action/);
  expect(await owner('GET /api/systemusers')).toMatch(/^HTTP\/1\.1 200/);
  expect(await steal(guard, COMMAND, JSON_LINES, '{"_id":"a"}')).toContain('key_frozen');
  const acts = () => incidents.list().flatMap(({ history }) => history.map(({ act }) => act));
  await until(() => acts().includes('contained'));

  await containment.undo('anna', plan?.id ?? '');
  expect(frozen()).toBeUndefined();
  expect(holdIn(await steal(guard, COMMAND, JSON_LINES, '{"_id":"b"}'))).toBeDefined();
  await pause();
  // Whoever thawed it has decided.
  expect(frozen()).toBeUndefined();
});
