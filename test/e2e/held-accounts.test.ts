import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeInput } from '../../src/keys/inputs.js';
import type { Guarded } from './guarded-api.js';
import { dial, headOf, holdIn, JSON_LINES, steal, stolenKey } from './stranger.js';

const COMMAND = 'POST /api/runCommand';
/** A request of its own each time. */
let asked = 0;
const newBody = () => {
  asked += 1;
  return `{"_id":"${asked.toString(16).padStart(24, '6')}"}`;
};

let guard: Guarded;
let reader: string | undefined;
beforeAll(async () => {
  guard = await stolenKey();
  reader = (await guard.running.operators.add('test', 'reader', 'viewer')).token;
});
afterAll(() => guard?.close());

interface Entry {
  readonly kind: string;
  readonly request: string;
  readonly decision?: string;
  readonly reason?: string;
  readonly path?: string;
  readonly privilege?: number;
  readonly objects?: string[];
  readonly finding?: {
    readonly hold?: string;
    readonly reasons: readonly { readonly term: string; readonly text: string }[];
  };
  readonly outcome?: { readonly status: number; readonly aborted?: string };
}

async function entries(): Promise<Entry[]> {
  const { admin } = guard.running;
  const answer = await fetch(`http://127.0.0.1:${admin.address.port}/v1/journal?limit=10000`, {
    headers: { authorization: `Bearer ${reader}` },
  });
  return ((await answer.json()) as { entries: Entry[] }).entries;
}

/** What the journal has of the calls to one path, each decision with its outcome. */
async function callsTo(path: string) {
  const all = await entries();
  return all
    .filter((each) => each.kind === 'decision' && each.path === path)
    .map(({ request, decision, reason, finding, objects, outcome }) => ({
      ...{ decision, reason, hold: finding?.hold, objects },
      status: (outcome ?? all.find((each) => each.kind === 'outcome' && each.request === request)?.outcome)
        ?.status,
    }));
}

const usage = () => {
  const {
    accepted,
    refused,
    quotaUsed = 0,
    lastUsedMs = 0,
    lastOperation,
  } = guard.running.keys.usage(guard.keyId) ?? {
    accepted: 0,
    refused: 0,
  };
  return { accepted, refused, quotaUsed, lastUsedMs, lastOperation };
};
const limit = (limits: object) =>
  guard.running.keys.change('test', guard.keyId, changeInput.parse({ limits }));

async function approvedCall(line = COMMAND): Promise<{ hold: string; body: string }> {
  const body = newBody();
  const hold = holdIn(await steal(guard, line, JSON_LINES, body)) as string;
  await guard.running.approvals.approve('anna', hold, false);
  return { hold, body };
}

describe('a held call in the counts of its key', () => {
  it('is an accepted one when an approval lets it through, and a refused one before', async () => {
    await limit({ quota: { requests: 1_000, per: 'day' } });
    const before = usage();
    const { body } = await approvedCall();
    expect(usage()).toMatchObject({ accepted: before.accepted, refused: before.refused + 1 });
    expect(usage().quotaUsed).toBe(before.quotaUsed);
    const sinceMs = Date.now();
    expect(await steal(guard, COMMAND, JSON_LINES, body)).toMatch(/^HTTP\/1\.1 200/);
    const after = usage();
    expect(after).toMatchObject({
      ...{ accepted: before.accepted + 1, refused: before.refused + 1, quotaUsed: before.quotaUsed + 1 },
      lastOperation: 'runcommand',
    });
    expect(after.lastUsedMs).toBeGreaterThanOrEqual(sinceMs);
  });

  it('is an accepted one when its body is harmless', async () => {
    const before = usage();
    const update = 'PUT /api/systemusers/5f1b2c3d4e5f6a7b8c9d0e1f';
    expect(await steal(guard, update, JSON_LINES, '{"firstname":"Anna"}')).toMatch(/^HTTP\/1\.1 200/);
    expect(usage()).toMatchObject({
      ...{ accepted: before.accepted + 1, refused: before.refused, quotaUsed: before.quotaUsed + 1 },
    });
  });

  it('is a refused one, once, when its body never comes whole', async () => {
    const before = usage();
    const { socket } = dial(guard.port);
    socket.write(`${headOf(guard, COMMAND, [...JSON_LINES, 'Content-Length: 100'])}{`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
    await expect.poll(() => usage().refused).toBe(before.refused + 1);
    expect(usage()).toMatchObject({ accepted: before.accepted, quotaUsed: before.quotaUsed });
  });

  it('whose body is harmless is not said to be privileged: its entry says what might have been', async () => {
    const path = '/api/systemusers/5f1b2c3d4e5f6a7b8c9d0e77';
    expect(await steal(guard, `PUT ${path}`, JSON_LINES, '{"firstname":"Anna"}')).toMatch(/^HTTP\/1\.1 200/);
    const entry = (await entries()).find((each) => each.kind === 'decision' && each.path === path);
    expect(entry?.privilege).toBe(2);
    const said = entry?.finding?.reasons.filter(({ term }) => term === 'privilege').map(({ text }) => text);
    expect(said).toEqual([
      'before its body was read it might have been of privilege 4: that needs less doubt',
    ]);
  });

  it('takes one place in the rate, whatever becomes of it', async () => {
    await limit({ rate: { requests: 4, seconds: 3_600 } });
    const { body } = await approvedCall();
    expect(await steal(guard, COMMAND, JSON_LINES, body)).toMatch(
      /^HTTP\/1\.1 200 [\s\S]*RateLimit: "key";r=2;/,
    );
    // Two at once: the second must not give back what the first took.
    const slow = dial(guard.port);
    slow.socket.write(`${headOf(guard, COMMAND, [...JSON_LINES, 'Content-Length: 2'])}{`);
    await expect.poll(() => steal(guard, 'GET /api/systemusers', [], '')).toMatch(/RateLimit: "key";r=0;/);
    slow.socket.write('}');
    await expect.poll(slow.answer).toMatch(/^HTTP\/1\.1 403/);
    expect(await steal(guard, 'GET /api/systemusers', [], '')).toMatch(/^HTTP\/1\.1 429/);
    slow.socket.destroy();
    await limit({ quota: { requests: 1_000, per: 'day' } });
  });
});

describe('a held call in the journal', () => {
  it('is one entry, with what was decided in the end', async () => {
    const path = '/api/systemusers/6f1b2c3d4e5f6a7b8c9d0e1f';
    const sudo = '{"sudo":true}';
    const hold = holdIn(await steal(guard, `PUT ${path}`, JSON_LINES, sudo));
    await guard.running.approvals.approve('anna', hold as string, false);
    expect(await steal(guard, `PUT ${path}`, JSON_LINES, sudo)).toMatch(/^HTTP\/1\.1 200/);
    expect(await steal(guard, `PUT ${path}`, JSON_LINES, '{"firstname":"Anna"}')).toMatch(/^HTTP\/1\.1 200/);
    const second = holdIn(await steal(guard, `PUT ${path}`, JSON_LINES, sudo));
    await guard.running.approvals.deny('anna', second as string);
    expect(await steal(guard, `PUT ${path}`, JSON_LINES, sudo)).toMatch(/^HTTP\/1\.1 403/);
    const objects = ['6f1b2c3d4e5f6a7b8c9d0e1f'];
    await expect
      .poll(() => callsTo(path))
      .toEqual([
        { decision: 'hold', reason: 'behaviour_held', hold, objects, status: 403 },
        { decision: 'allow', reason: undefined, hold, objects, status: 200 },
        { decision: 'flag', reason: 'behaviour_flagged', hold: undefined, objects, status: 200 },
        { decision: 'hold', reason: 'behaviour_held', hold: second, objects, status: 403 },
        { decision: 'deny', reason: 'hold_denied', hold: second, objects, status: 403 },
      ]);
  });
});

describe('what changes between hold and approval', () => {
  it('a quota that has run out refuses the approved call, and leaves it its approval', async () => {
    const { hold, body } = await approvedCall();
    await limit({ quota: { requests: 1, per: 'month' } });
    expect(await steal(guard, 'GET /api/systemusers', [], '')).toMatch(/^HTTP\/1\.1 (?:200|429)/);
    expect(await steal(guard, COMMAND, JSON_LINES, body)).toMatch(/^HTTP\/1\.1 429 [\s\S]*quota_exceeded/);
    expect(await guard.running.approvals.show(hold)).toMatchObject({ state: 'approved' });
    await limit({});
    expect(await steal(guard, COMMAND, JSON_LINES, body)).toMatch(/^HTTP\/1\.1 200/);
  });

  it('a quota that ends while the body comes refuses the call', async () => {
    const { hold, body } = await approvedCall();
    const { quotaUsed } = usage();
    await limit({ quota: { requests: quotaUsed + 100, per: 'day' } });
    await steal(guard, 'GET /api/systemusers', [], '');
    const used = usage().quotaUsed;
    await limit({ quota: { requests: used + 1, per: 'day' } });
    const slow = dial(guard.port);
    slow.socket.write(headOf(guard, COMMAND, [...JSON_LINES, `Content-Length: ${body.length}`]));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await steal(guard, 'GET /api/systemusers', [], '')).toMatch(/^HTTP\/1\.1 200/);
    slow.socket.write(body);
    await expect.poll(slow.answer).toMatch(/^HTTP\/1\.1 429 [\s\S]*quota_exceeded/);
    expect(usage().quotaUsed).toBe(used + 1);
    expect(await guard.running.approvals.show(hold)).toMatchObject({ state: 'approved' });
    await limit({});
  });

  it('a key that is suspended while the body comes refuses the call, and the journal says why', async () => {
    const before = usage();
    const path = '/api/systemusers/7f1b2c3d4e5f6a7b8c9d0e1f';
    const body = '{"sudo":true}';
    const hold = holdIn(await steal(guard, `PUT ${path}`, JSON_LINES, body)) as string;
    await guard.running.approvals.approve('anna', hold, false);
    const slow = dial(guard.port);
    slow.socket.write(headOf(guard, `PUT ${path}`, [...JSON_LINES, `Content-Length: ${body.length}`]));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await guard.running.keys.suspend('anna', guard.keyId, 'a look at it');
    slow.socket.write(body);
    await expect.poll(slow.answer).toMatch(/^HTTP\/1\.1 401 [\s\S]*key_suspended/);
    await guard.running.keys.resume('anna', guard.keyId);
    await expect
      .poll(() => callsTo(path))
      .toMatchObject([{ decision: 'hold' }, { decision: 'deny', reason: 'key_suspended', status: 401 }]);
    expect(usage()).toMatchObject({ accepted: before.accepted, refused: before.refused + 2 });
    expect(await guard.running.approvals.show(hold)).toMatchObject({ state: 'approved' });
  });

  it('a body beyond the limit of the key opens no hold, though its length was not told', async () => {
    await limit({ bodyBytesMax: 20 });
    const held = (await guard.running.approvals.list({})).holds.length;
    const { socket, answer } = dial(guard.port);
    const body = newBody();
    const head = headOf(guard, COMMAND, [...JSON_LINES, 'Transfer-Encoding: chunked']);
    socket.write(`${head}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    await expect.poll(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*body_too_large/);
    expect((await guard.running.approvals.list({})).holds).toHaveLength(held);
    await limit({});
  });
});

describe('an approved call', () => {
  it('teaches nothing and waits for nobody', async () => {
    const { approvals } = guard.running;
    const before = (await approvals.standing(guard.keyId)).quarantined;
    const body = newBody();
    const hold = holdIn(await steal(guard, COMMAND, JSON_LINES, body)) as string;
    await steal(guard, COMMAND, JSON_LINES, body);
    expect((await approvals.standing(guard.keyId)).quarantined).toBe(before + 2);
    await approvals.approve('anna', hold, false);
    expect((await approvals.standing(guard.keyId)).quarantined).toBe(before);
    expect(await steal(guard, COMMAND, JSON_LINES, body)).toMatch(/^HTTP\/1\.1 200/);
    expect((await approvals.standing(guard.keyId)).quarantined).toBe(before);
  });

  it('passes once, however often it is asked for at the same moment', async () => {
    const { body } = await approvedCall();
    const before = usage();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => steal(guard, COMMAND, JSON_LINES, body)),
    );
    expect(answers.filter((each) => /^HTTP\/1\.1 200/.test(each))).toHaveLength(1);
    expect(guard.received().split(body)).toHaveLength(2);
    expect(usage()).toMatchObject({ accepted: before.accepted + 1, refused: before.refused + 7 });
  });
});
