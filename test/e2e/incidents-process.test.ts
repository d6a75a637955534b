import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, vi } from 'vitest';
import { journalsOf } from '../../src/incidents/follow.js';
import { leadOf } from '../../src/incidents/lead.js';
import { readEntries } from '../../src/journal/read.js';
import { cli, startGateway, until } from './running-guard.js';
import {
  ask,
  call,
  dir,
  guard,
  guardForEach,
  issue,
  type Key,
  learned,
  ownerOf,
  type PlanView,
  restart,
  THIEF,
  token,
} from './theft-bench.js';

guardForEach();

/** Only what hangs takes so long: a loaded machine needs seconds to start a process, and dozens are started here. */
const PATIENCE_MS = 60_000;
vi.setConfig({ testTimeout: 3 * PATIENCE_MS });
const eventually = (condition: () => boolean | Promise<boolean>) => until(condition, PATIENCE_MS);

interface IncidentView {
  readonly id: string;
  readonly keys: readonly string[];
  readonly findings: number;
}

/** Requests with a finding in all journals. */
async function findingsInJournals(): Promise<number> {
  const requests = new Set<string>();
  for (const journal of journalsOf(path.join(dir, 'data')))
    for await (const entry of readEntries(journal, { kind: 'decision' }))
      if (entry.kind === 'decision' && leadOf(entry) !== undefined) requests.add(entry.request);
  return requests.size;
}

async function findingsInIncidents(): Promise<number> {
  const { incidents } = await ask<{ incidents: IncidentView[] }>('GET', '/v1/incidents');
  return incidents.reduce((sum, { findings }) => sum + findings, 0);
}

it('incidents have each finding once, whenever the guard was killed', async () => {
  const keys = await learned(4);
  await restart('SIGTERM');
  let over = false;
  let answered = 0;
  const thief = async ({ credential }: { credential: string }) => {
    for (let n = 0; !over; n++) {
      if ((await call(credential, THIEF, n % 2 === 0 ? 'POST /api/runCommand' : undefined)) !== '0')
        answered += 1;
      // Nobody is there: it starts sooner when it is left the machine.
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const thieves = keys.map(thief);
  for (const calls of [60, 170, 110, 25, 140]) {
    const enough = answered + calls;
    await eventually(() => answered >= enough);
    await restart();
    const now = await findingsInJournals();
    expect(await findingsInIncidents()).toBeGreaterThanOrEqual(now);
  }
  over = true;
  await Promise.all(thieves);
  await restart();
  const inJournals = await findingsInJournals();
  expect(inJournals).toBeGreaterThan(100);
  expect(await findingsInIncidents()).toBe(inJournals);
  await restart();
  expect(await findingsInIncidents()).toBe(inJournals);
});

const run = promisify(execFile);
const keyward = (line: string, ...more: string[]) =>
  cli([...line.split(' '), ...more], { KEYWARD_URL: guard.adminUrl, KEYWARD_TOKEN: token });

it('a theft at a second gateway: found, told, proved, and stopped there, by the command line', async () => {
  const gateway = await startGateway(dir, 'east');
  try {
    await eventually(async () => {
      const { gateways } = await ask<{ gateways: { live: boolean }[] }>('GET', '/v1/status');
      return gateways.some(({ live }) => live);
    });
    const [stolen, other] = (await learned(2, gateway.port)) as [Key, Key];
    // Some at the control process, too: the report has to cover both journals.
    for (let n = 0; n < 30; n++) await call(stolen.credential, ownerOf(0));
    for (let n = 0; n < 12; n++) {
      await call(stolen.credential, THIEF, n % 2 === 0 ? 'POST /api/runCommand' : undefined, gateway.port);
      await call(other.credential, ownerOf(1), undefined, gateway.port);
    }
    let incident: IncidentView | undefined;
    await eventually(async () => {
      const { incidents } = await ask<{ incidents: IncidentView[] }>('GET', '/v1/incidents');
      incident = incidents[0];
      return incidents.length === 1 && incident?.findings === (await findingsInJournals());
    });
    const id = incident?.id as string;
    expect(incident?.keys).toEqual([stolen.id]);
    expect((await keyward('incidents list')).stdout).toContain(id);
    expect((await keyward(`incidents show ${id}`)).stdout).toContain('185.220.101.0/24');
    const radius = await keyward(`incidents radius ${id}`);
    expect(radius.stdout).toMatch(/runcommand +6 +0 +\S+Z +\S+Z +6 +0/);
    // More than the 60 at either place; the interval's first calls are on the other side.
    expect(Number(/before: (\d+) calls/.exec(radius.stdout)?.[1])).toBeGreaterThan(80);
    expect(radius.stdout).toContain(`${other.id} (acme): no operation since then outside its own pattern`);

    const bundle = path.join(dir, 'bundle');
    expect(await keyward(`incidents bundle ${id} -o`, bundle)).toMatchObject({ code: 0, stderr: '' });
    const { stdout: verified } = await cli(['journal', 'verify', '-d', path.join(dir, 'data')]);
    const publicKey = /MCowBQ[\w-]+/.exec(verified)?.[0] as string;
    const proofs = path.join(bundle, 'proofs.ndjson');
    const check = () => run(process.execPath, [path.join(bundle, 'verify-proof.mjs'), proofs, publicKey]);
    expect((await check()).stdout).toMatch(/^OK: 12 entries/);
    writeFileSync(proofs, readFileSync(proofs, 'utf8').replace('runcommand', 'readcommand'));
    await expect(check()).rejects.toThrow('NOT PROVED');

    const plan = ['--incident', id, '--why', 'stolen in June'];
    const dry = await keyward('contain plan freeze --dry-run', ...plan);
    expect(dry.stdout).toMatch(/1 +suspect +1 +acme/);
    expect((await keyward('contain list')).stdout).toContain('There is no plan.');
    const started = JSON.parse(
      (await keyward('contain plan freeze --start --json', ...plan)).stdout,
    ) as PlanView;
    const done = async (which: PlanView) =>
      (await ask<PlanView>('GET', `/v1/containments/${which.id}`)).state === 'done';
    await eventually(() => done(started));
    const thief = (port: number) => call(stolen.credential, THIEF, undefined, port);
    expect(await thief(gateway.port)).toBe('403 key_frozen');
    expect(await thief(guard.port)).toBe('403 key_frozen');
    expect(await call(stolen.credential, ownerOf(0), undefined, gateway.port)).toBe('200');
    await eventually(async () => /acme +2 /.test((await keyward(`contain callers ${started.id}`)).stdout));
    const closed = await keyward(`incidents close ${id} --as false_alarm --why`, 'a test');
    expect(closed.stdout).toContain(`freeze of 1 key is in force: keyward contain undo ${started.id}`);
    await keyward(`incidents reopen ${id} --why`, 'it was none');
    expect((await keyward(`contain undo ${started.id}`)).stdout).toContain('undone');
    expect(await thief(gateway.port)).toBe('200');
    const revoked = JSON.parse(
      (await keyward('contain plan revoke --start --json', ...plan)).stdout,
    ) as PlanView;
    await eventually(() => done(revoked));
    expect(await thief(gateway.port)).toBe('401 key_revoked');
    expect(await keyward(`contain undo ${revoked.id}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be undone'),
    });

    const closedAgain = await keyward(`incidents close ${id} --as false_alarm --why`, 'a test');
    expect(closedAgain.stdout).toContain('revoke of 1 key is in force: it cannot be undone; issue new keys');
    await keyward(`incidents reopen ${id} --why`, 'it was none');

    const child = await keyward('keys issue --name child --tenant acme --issued-with', stolen.id);
    expect(child.code).toBe(0);
    const kin = JSON.parse((await keyward(`incidents radius ${id} --json`)).stdout) as {
      set: { contain: { why: string[] }[] };
    };
    expect(kin.set.contain.flatMap(({ why }) => why)).toContain(
      `issued with key ${stolen.id}, which is among these`,
    );
    const drafts = JSON.parse((await keyward(`incidents notify ${id} --json`)).stdout) as {
      id: string;
      kind: string;
    }[];
    expect(drafts.map(({ kind }) => kind)).toEqual(['touched']);
    const preview = await keyward(`notices preview ${drafts[0]?.id}`);
    expect(preview.stdout).toContain(stolen.id);
    expect(preview.stdout).not.toContain(other.id);
    expect(await keyward(`notices approve ${drafts[0]?.id}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('acme'),
    });
  } finally {
    await gateway.stop('SIGKILL');
  }
});

it('what cannot be contained, and what is no incident, is refused by name, and never with a stack', async () => {
  await issue(1);
  const refused = [
    ['incidents radius i_0', 1, 'There is no incident i_0.'],
    ['contain undo c_0', 1, 'There is no containment plan c_0.'],
    ['contain plan explode --all --why x', 1, 'measure: Invalid option'],
    ['contain plan freeze --why x', 1, 'name an incident, keys, a tenant, or all'],
    ['contain plan freeze --tenant nobody --why x', 1, 'There is no living key in this scope.'],
    ['contain plan freeze --key __proto__ --why x', 1, 'There is no key __proto__.'],
    ['contain plan freeze --all --why x --wave-keys 0', 1, 'waveKeys: Too small'],
    ['contain plan freeze --all --why x --gap -5s', 2, 'Write a span like'],
    ['contain plan freeze --all --why x --dry-run --start', 2, 'cannot be used with'],
  ] as const;
  const results = await Promise.all(refused.map(([line]) => keyward(line)));
  for (const [i, { code, stderr }] of results.entries()) {
    expect([code, stderr]).toEqual([refused[i]?.[1], expect.stringContaining(refused[i]?.[2] as string)]);
    expect(stderr).not.toMatch(/^ {4}at /m);
  }
});
