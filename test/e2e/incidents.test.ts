import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueInput } from '../../src/keys/inputs.js';
import { type Guarded, guarded, raw, type Script } from './guarded-api.js';

const answer: Script = (socket) =>
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok');
const THIEF = { address: '185.220.101.5', agent: 'python-httpx/0.24.1' };
const COMMAND = 'POST /api/runCommand';
const OPTIONS = { why: 'stolen', overlapSeconds: 0, waveKeys: 100, gapSeconds: 0, errorsMax: 0 };

interface Victim {
  readonly id: string;
  readonly credential: string;
  readonly owner: typeof THIEF;
}

let guard: Guarded;
let victims: Victim[];

function call(who: Victim, from: typeof THIEF, line: string): Promise<string> {
  return raw(
    guard.port,
    `${line} HTTP/1.1\r\nHost: api\r\nx-api-key: ${who.credential}\r\nX-Forwarded-For: ${from.address}\r\nUser-Agent: ${from.agent}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
    20,
  );
}

async function until<T>(look: () => T | undefined): Promise<T> {
  const end = Date.now() + 5_000;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error('It did not happen in time.');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

beforeAll(async () => {
  guard = await guarded(
    answer,
    { catalog: 'jumpcloud' },
    { trustedProxies: ['127.0.0.1'], detector: { mode: 'observe', alarmsPerThousandKeyDays: 500 } },
  );
  const { keys } = guard.running;
  victims = await Promise.all(
    [0, 1, 2, 3].map(async (n) => {
      const input = issueInput.parse({
        name: `script ${n}`,
        tenant: `org-${n % 3}`,
        principal: `script-${n}`,
      });
      const { key, credential } = await keys.issue('test', input);
      return {
        id: key.id,
        credential,
        owner: { address: `87.128.${n}.7`, agent: 'python-requests/2.31.0' },
      };
    }),
  );
  for (let n = 0; n < 60; n++)
    for (const who of victims)
      await call(who, who.owner, n % 2 === 0 ? 'GET /api/systemusers' : 'GET /api/v2/usergroups');
  // One thief with three of the four keys; the owners go on.
  for (let n = 0; n < 12; n++) {
    for (const who of victims.slice(0, 3)) {
      await call(who, THIEF, n % 2 === 0 ? COMMAND : 'GET /api/systems/5f1b2c3d4e5f6a7b8c9d0e1f');
      await call(who, who.owner, 'GET /api/systemusers');
    }
    await call(victims[3] as Victim, (victims[3] as Victim).owner, 'GET /api/v2/usergroups');
  }
}, 60_000);
afterAll(() => guard.close());

const [stolen, bystander] = [() => victims.slice(0, 3), () => victims[3] as Victim];

describe('incidents', () => {
  it('puts a thief with three keys into one incident, and leaves the fourth out', () => {
    const open = guard.running.incidents.list('open');
    expect(open).toHaveLength(1);
    expect(open[0]?.trails.map(({ key }) => key).sort()).toEqual(
      stolen()
        .map(({ id }) => id)
        .sort(),
    );
    expect(open[0]?.history.map(({ act }) => act)).toEqual(['opened', 'joined', 'joined']);
    expect(open[0]?.history[1]?.why).toContain('same network 185.220.101.0/24');
  });

  it('tells what was done, when it began, and which keys to contain and to leave alone', async () => {
    const [incident] = guard.running.incidents.list();
    const found = await guard.running.incidents.investigate(incident?.id as string);
    expect(found.radii).toHaveLength(3);
    for (const radius of found.radii) {
      const command = radius.operations.find(({ name }) => name === 'runcommand');
      expect(command).toMatchObject({ privilege: 4, foreignSucceeded: 6, foreignRefused: 0 });
      expect(radius.foreign).toBe(12);
      expect([...radius.habits.operations].sort()).toEqual(['systemusers.list', 'v2.usergroups.list']);
      const systems = radius.objects.find(({ id }) => id === '5f1b2c3d4e5f6a7b8c9d0e1f');
      expect(systems).toMatchObject({ effect: 'read', foreignSucceeded: 6 });
      expect(radius.compromised.fromMs).toBeLessThanOrEqual(radius.compromised.toMs);
    }
    expect(found.set.contain.map(({ key }) => key).sort()).toEqual(
      stolen()
        .map(({ id }) => id)
        .sort(),
    );
    const left = found.set.leftAlone.find(({ key }) => key === bystander().id);
    expect(left?.requests).toBeGreaterThan(5);
    expect(left?.why).toBe(
      `no operation since then outside its own pattern; 0 of its ${left?.requests} requests from the places of the incident`,
    );
  });

  it('gives evidence that a third party can check, and notices when it was touched', async () => {
    const [incident] = guard.running.incidents.list();
    const { token } = await guard.running.operators.add('test', 'anna', 'viewer');
    const url = `http://127.0.0.1:${guard.running.admin.address.port}/v1/incidents/${incident?.id}/evidence`;
    const proofs = await (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).text();
    expect(proofs.trim().split('\n')).toHaveLength(36);
    const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-proofs-'));
    const file = path.join(dir, 'proofs.ndjson');
    const verify = () => promisify(execFile)(process.execPath, ['tools/verify-proof.mjs', file]);
    writeFileSync(file, proofs);
    expect((await verify()).stdout).toMatch(/^OK: 36 entries/);
    writeFileSync(file, proofs.replace('runcommand', 'readcommand'));
    await expect(verify()).rejects.toThrow('NOT PROVED');
    rmSync(dir, { recursive: true });
  });

  it('freezes: the owner goes on, the thief and everything privileged is refused, and it can be undone', async () => {
    const { containment, incidents } = guard.running;
    const incident = incidents.list()[0]?.id as string;
    const dry = await containment.plan('anna', { incident }, { ...OPTIONS, measure: 'freeze' }, false);
    expect(dry.steps.map(({ risk }) => risk)).toEqual(['suspect', 'suspect', 'suspect']);
    expect(containment.list()).toHaveLength(0);
    const plan = await containment.plan('anna', { incident }, { ...OPTIONS, measure: 'freeze' });
    await containment.start('anna', plan.id);
    await until(() => (plan.state === 'done' ? true : undefined));
    const [who] = stolen() as [Victim];
    expect(await call(who, who.owner, 'GET /api/systemusers')).toMatch(/^HTTP\/1\.1 200/);
    expect(await call(who, who.owner, COMMAND)).toMatch(/^HTTP\/1\.1 403[\s\S]*key_frozen/);
    expect(await call(who, THIEF, 'GET /api/systemusers')).toMatch(/^HTTP\/1\.1 403[\s\S]*key_frozen/);
    expect(await call(bystander(), bystander().owner, 'GET /api/systemusers')).toMatch(/^HTTP\/1\.1 200/);
    expect(containment.callers(plan.id)[0]).toMatchObject({ key: who.id, calls: 2, address: THIEF.address });
    await containment.undo('anna', plan.id);
    expect(await call(who, THIEF, 'GET /api/systemusers')).toMatch(/^HTTP\/1\.1 200/);
  });

  it('revokes, does nothing twice, stops by itself, and says what cannot be undone', async () => {
    const { containment, incidents, keys } = guard.running;
    const incident = incidents.list()[0]?.id as string;
    const plan = await containment.plan('anna', { incident }, { ...OPTIONS, measure: 'revoke' });
    const again = await containment.plan('anna', { incident }, { ...OPTIONS, measure: 'suspend' });
    await containment.start('anna', plan.id);
    await until(() => (plan.state === 'done' ? true : undefined));
    for (const { id } of stolen()) expect(keys.show(id).revoked?.why).toBe('stolen');
    await expect(containment.start('anna', plan.id)).rejects.toThrow('is done');
    await expect(containment.undo('anna', plan.id)).rejects.toThrow('cannot be undone');
    await containment.start('anna', again.id);
    await until(() => (again.state === 'done' ? true : undefined));
    expect(again.steps.map(({ state, note }) => `${state}: ${note}`)).toEqual(
      Array(3).fill('skipped: was revoked already'),
    );
    await expect(containment.plan('anna', { incident }, { ...OPTIONS, measure: 'freeze' })).rejects.toThrow(
      'no living key',
    );
  });

  it('drafts a notice for each tenant, of its own keys alone', async () => {
    const { incidents, operators, admin, notices } = guard.running;
    const { token } = await operators.add('test', 'berta', 'admin');
    const [incident] = incidents.list();
    const response = await fetch(
      `http://127.0.0.1:${admin.address.port}/v1/incidents/${incident?.id}/notices`,
      {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      },
    );
    expect(response.status).toBe(201);
    const { notices: drafts } = (await response.json()) as {
      notices: { id: string; tenant: string; kind: string }[];
    };
    expect(drafts.map(({ tenant, kind }) => `${tenant} ${kind}`).sort()).toEqual([
      'org-0 touched',
      'org-1 touched',
      'org-2 touched',
    ]);
    const [first, second] = stolen() as [Victim, Victim];
    const { body: text } = notices.service.preview(
      drafts.find(({ tenant }) => tenant === 'org-0')?.id as string,
      false,
    );
    expect(text).toContain(first.id);
    expect(text).toContain('runcommand');
    expect(text).toMatch(/revoked/i);
    expect(text).not.toContain(second.id);
  });

  it('stops a plan when too many of its keys still call', async () => {
    const { containment } = guard.running;
    const who = bystander();
    const options = { ...OPTIONS, measure: 'suspend' as const, refusedMax: 0, gapSeconds: 1, waveKeys: 1 };
    const plan = await containment.plan('anna', { keys: [who.id], all: true }, options);
    expect(plan.steps).toHaveLength(2);
    await containment.start('anna', plan.id);
    await until(() => (plan.steps[0]?.state === 'done' ? true : undefined));
    await call(who, who.owner, 'GET /api/systemusers');
    await until(() => (plan.state === 'stopped' ? true : undefined));
    expect(plan.stopped).toContain('1 call with contained keys was refused');
    await containment.undo('anna', plan.id);
    expect(await call(who, who.owner, 'GET /api/systemusers')).toMatch(/^HTTP\/1\.1 200/);
  });

  it('rotates with an overlap, hands the new key over once, and takes it back while both work', async () => {
    const { containment, keys } = guard.running;
    const who = bystander();
    const options = { ...OPTIONS, measure: 'rotate' as const, overlapSeconds: 3600 };
    const plan = await containment.plan('anna', { keys: [who.id] }, options);
    await containment.start('anna', plan.id);
    await until(() => (plan.state === 'done' ? true : undefined));
    expect(JSON.stringify(plan)).not.toMatch(/kw_live_/);
    const [successor, ...more] = await containment.successors('anna', plan.id);
    expect(more).toHaveLength(0);
    expect(await containment.successors('anna', plan.id)).toHaveLength(0);
    const next = { ...who, credential: successor?.credential as string };
    expect(await call(next, who.owner, 'GET /api/systemusers')).toMatch(/^HTTP\/1\.1 200/);
    expect(await call(who, who.owner, 'GET /api/systemusers')).toMatch(/^HTTP\/1\.1 200/);
    expect(containment.callers(plan.id)[0]).toMatchObject({ key: who.id, calls: 1 });
    await containment.undo('anna', plan.id);
    expect(await call(next, who.owner, 'GET /api/systemusers')).toMatch(/^HTTP\/1\.1 401/);
    expect(await call(who, who.owner, 'GET /api/systemusers')).toMatch(/^HTTP\/1\.1 200/);
    expect(keys.show(who.id).replaced).toBeUndefined();
  });

  it('merges, splits, closes and reopens, with reasons', async () => {
    const { incidents } = guard.running;
    const id = incidents.list()[0]?.id as string;
    const [one, two] = stolen() as [Victim, Victim];
    await expect(incidents.split('anna', id, ['nobody'], 'no')).rejects.toThrow('has no key nobody');
    const part = await incidents.split('anna', id, [one.id], 'another thief');
    expect(part.trails.map(({ key }) => key)).toEqual([one.id]);
    await call(two, THIEF, COMMAND);
    expect(incidents.list()).toHaveLength(2);
    const whole = await incidents.merge('anna', id, part.id, 'the same after all');
    expect(whole.trails).toHaveLength(3);
    expect(incidents.show(part.id)).toMatchObject({ state: 'merged', mergedInto: id });
    await incidents.close('anna', id, 'theft', 'all keys revoked');
    await expect(incidents.close('anna', id, 'theft', 'again')).rejects.toThrow('closed already');
    const reopened = await incidents.reopen('anna', id, 'not over');
    expect(reopened.state).toBe('open');
    expect(reopened.history.map(({ act }) => act).slice(-3)).toEqual(['joined', 'closed', 'reopened']);
  });

  it('learns what was a false alarm, where nothing else is open about the key', async () => {
    const { incidents, approvals } = guard.running;
    const id = incidents.list()[0]?.id as string;
    const [one, two] = stolen() as [Victim, Victim];
    const waiting = async ({ id: key }: Victim) => (await approvals.standing(key)).quarantined;
    const open = await incidents.split('anna', id, [one.id], 'not yet clear');
    expect([await waiting(one), await waiting(two)]).not.toContain(0);
    await incidents.close('anna', id, 'false_alarm', 'a new build machine');
    expect([await waiting(one), await waiting(two)]).toEqual([expect.any(Number), 0]);
    expect(await waiting(one)).toBeGreaterThan(0);
    await incidents.close('anna', open.id, 'false_alarm', 'this one as well');
    expect(await waiting(one)).toBe(0);
  });
});

describe('automatic containment', () => {
  it('freezes by itself as often as it may, and not again what an operator has undone', async () => {
    const lone = await guarded(
      answer,
      { catalog: 'jumpcloud' },
      {
        trustedProxies: ['127.0.0.1'],
        detector: { mode: 'observe', alarmsPerThousandKeyDays: 500 },
        containment: { automatic: 'freeze', evidenceFrom: 4, keysPerHourMax: 1 },
      },
    );
    const before = guard;
    guard = lone;
    try {
      const { keys, containment, incidents } = lone.running;
      const both = await Promise.all(
        [0, 1].map(async (n) => {
          const input = issueInput.parse({ name: `s${n}`, tenant: `t${n}`, principal: `p${n}` });
          const { key, credential } = await keys.issue('test', input);
          return {
            id: key.id,
            credential,
            owner: { address: `87.128.${n}.7`, agent: 'python-requests/2.31.0' },
          };
        }),
      );
      for (let n = 0; n < 60; n++) for (const who of both) await call(who, who.owner, 'GET /api/systemusers');
      for (let n = 0; n < 12; n++) for (const who of both) await call(who, THIEF, COMMAND);
      const plan = await until(() => containment.list().find(({ state }) => state === 'done'));
      expect(containment.list()).toHaveLength(1);
      expect(plan).toMatchObject({ by: 'keyward', options: { measure: 'freeze' } });
      const frozen = plan.steps[0]?.key as string;
      expect(keys.show(frozen).frozen?.by).toBe('keyward');
      const who = both.find(({ id }) => id === frozen) as Victim;
      expect(await call(who, who.owner, 'GET /api/systemusers')).toMatch(/^HTTP\/1\.1 200/);
      expect(await call(who, THIEF, COMMAND)).toMatch(/^HTTP\/1\.1 403/);
      const told = (act: string) =>
        incidents.list().flatMap(({ history }) => history.filter((each) => each.act === act));
      expect(told('contained').map(({ by, why }) => ({ by, why }))).toEqual([
        { by: 'keyward', why: expect.stringContaining(`freeze of 1 key (plan ${plan.id}): evidence of`) },
      ]);
      await containment.undo('anna', plan.id);
      expect(told('undone')).toMatchObject([{ by: 'anna', why: expect.stringContaining(plan.id) }]);
      expect(await call(who, THIEF, COMMAND)).toMatch(/^HTTP\/1\.1 200/);
      expect(keys.show(frozen).frozen).toBeUndefined();
    } finally {
      guard = before;
      await lone.close();
    }
  });
});

describe('an API without a catalog', () => {
  it.each([
    ['is known by its paths: a frozen key goes on with those that it has always asked for', false],
    ['and by its own words, where the probes of another key made an id of the resource', true],
  ])('%s', async (_, probed) => {
    const lone = await guarded(answer, {}, { trustedProxies: ['127.0.0.1'] });
    const before = guard;
    guard = lone;
    try {
      const { keys, containment } = lone.running;
      const owner = { address: '87.128.1.7', agent: 'python-requests/2.31.0' };
      const issued = async (name: string): Promise<Victim> => {
        const { key, credential } = await keys.issue('test', issueInput.parse({ name, tenant: 't' }));
        return { id: key.id, credential, owner };
      };
      const key = await issued('s');
      const ask = (line: string) => call(key, owner, line);
      if (probed) {
        // Somebody tries so many words that the place of the resource is taken for one of ids.
        const prober = await issued('prober');
        for (let n = 0; n < 40; n++) {
          const word = [n / 10, n % 10].map((digit) => 'abcdefghij'[Math.floor(digit)]).join('');
          await call(prober, owner, `GET /${word}`);
          await call(prober, owner, `GET /users/${word}`);
        }
      }
      for (let n = 0; n < 8; n++) await ask(`GET /users/${100 + n}/notes`);
      for (let n = 0; n < 4; n++) await ask('GET /users/me');
      const scope = { keys: [key.id] };
      const plan = await containment.plan('anna', scope, { ...OPTIONS, measure: 'freeze' });
      await containment.start('anna', plan.id);
      await until(() => (plan.state === 'done' ? true : undefined));
      expect(keys.show(key.id).frozen?.limits.operations?.allow).toEqual([
        'GET /users/{id}/notes',
        'GET /users/me',
      ]);
      expect(await ask('GET /users/7/notes')).toMatch(/^HTTP\/1\.1 200/);
      expect(await ask('GET /Users/Me/')).toMatch(/^HTTP\/1\.1 200/);
      for (const line of ['GET /users/7/keys', 'GET /users', 'POST /users/7/notes', 'GET /invoices/7/notes'])
        expect(await ask(line)).toMatch(/^HTTP\/1\.1 403[\s\S]*key_frozen/);
    } finally {
      guard = before;
      await lone.close();
    }
  });
});

describe('what a key creates', () => {
  it.each([
    [
      'by the id in a chunked answer, of which nothing else is kept',
      'Content-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\n{"apiKey":"SECRET","admin":{\r\n23\r\n"_id":"5f1b2c3d4e5f6a7b8c9d0e1f"}}\n\r\n0\r\n\r\n',
      '5f1b2c3d4e5f6a7b8c9d0e1f',
    ],
    [
      'by the object that is called data',
      'Content-Type: application/json\r\nContent-Length: 34\r\n\r\n{"meta":{"id":5},"data":{"id":71}}',
      '71',
    ],
    [
      'not by one of two',
      'Content-Type: application/json\r\nContent-Length: 29\r\n\r\n{"by":{"id":5},"to":{"id":7}}',
      undefined,
    ],
    ['by a number', 'Content-Type: application/vnd.api+json\r\nContent-Length: 8\r\n\r\n{"id":7}', '7'],
    ['by Location', 'Location: https://api/users/907?x=1\r\nContent-Length: 0\r\n\r\n', '907'],
    [
      'not by an answer that is none',
      'Content-Type: application/json\r\nContent-Length: 5\r\n\r\n{"id"',
      undefined,
    ],
    [
      'not by the object that was in the path',
      'Content-Type: application/json\r\nContent-Length: 12\r\n\r\n{"id":"acme"}',
      undefined,
    ],
  ])('is told %s', async (_, rest, id) => {
    const lone = await guarded((socket) => socket.write(`HTTP/1.1 201 Created\r\n${rest}`), {});
    const before = guard;
    guard = lone;
    try {
      const who = { id: lone.keyId, credential: lone.key, owner: { address: '127.0.0.1', agent: 'x' } };
      expect(await call(who, who.owner, 'POST /orgs/acme/admins')).toContain('201');
      // What may be opened by its id alone is not named.
      for (const target of ['/sessions', '/accessTokens', '/api-keys', '/resetPassword'])
        expect(await call(who, who.owner, `POST /orgs/acme${target}`)).toContain('201');
      const { radii } = await lone.running.incidents.investigateKeys([who.id], Date.now());
      const created = radii[0]?.objects.filter(({ effect }) => effect === 'created');
      const operation = 'POST /orgs/acme/admins';
      expect(created?.map((each) => [each.id, each.operation, each.succeeded])).toEqual(
        id === undefined ? [] : [[id, operation, 1]],
      );
      const files = readdirSync(lone.dataDir, { recursive: true, withFileTypes: true });
      const kept = files.filter((file) => file.isFile()).map((f) => path.join(f.parentPath, f.name));
      expect(kept.filter((file) => readFileSync(file).includes('SECRET'))).toEqual([]);
    } finally {
      guard = before;
      await lone.close();
    }
  });
});
