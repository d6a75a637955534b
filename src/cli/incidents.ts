import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { counted } from '../core/counted.js';
import { type AdminClient, connect, type RemoteOptions, remoteCommand } from './client.js';
import { gather, parseCount, parseSpan } from './input.js';
import { ago, printFacts, printJson, printTable } from './output.js';
import { printable } from './printable.js';
import type { CallerView, IncidentView, PlanView } from './views.js';

const VERIFIER = fileURLToPath(new URL('../../tools/verify-proof.mjs', import.meta.url));
const PROCEDURE = `This folder holds what a stolen key did, and the proof of it.

report.txt, report.html, report.json   blast radius and exact set
proofs.ndjson                          each of the visitor's calls as the journal has it, with its Merkle proof
verify-proof.mjs                       checks them: node verify-proof.mjs proofs.ndjson PUBLIC_KEY

PUBLIC_KEY is the guard's signing key (keyward journal verify prints it); it must have reached you on another way
than this folder did. The procedure is in docs/journal.md of Keyward.
`;

/** `keyward incidents`: what belongs together, how far it reached, what is done about it. */
export function incidentCommands(program: Command): void {
  const incidents = program
    .command('incidents')
    .description('findings that belong together, and what they reached');
  showing(incidents);
  investigating(incidents);
  changing(incidents);
  telling(incidents);
  const contain = program.command('contain').description('contain keys in stages');
  planning(contain);
  running(contain);
  handingOver(contain);
}

function showing(incidents: Command): void {
  remoteCommand(incidents, 'list', 'list incidents, the latest first')
    .option('--state <state>', 'open, closed or merged')
    .action(async ({ url, json, ...query }: RemoteOptions & { state?: string }) => {
      const { incidents: all } = await connect({ url }).get<{ incidents: IncidentView[] }>(
        '/v1/incidents',
        query,
      );
      if (json) return printJson(all);
      printTable(
        ['ID', 'STATE', 'LAST', 'KEYS', 'TENANTS', 'FINDINGS', 'EVIDENCE', 'WHY'],
        all.map((each) => [
          ...[each.id, each.verdict ?? each.state, ago(each.lastAt), String(each.keys.length)],
          ...[String(each.tenants.length), String(each.findings), each.peak.toFixed(1)],
          (each.trails[0]?.reasons[0]?.text ?? '').slice(0, 60),
        ]),
        'There is no incident.',
      );
    });
  remoteCommand(incidents, 'show <id>', 'show one incident').action(
    async (id: string, options: RemoteOptions) => {
      const incident = await connect(options).get<IncidentView>(pathOf(id));
      if (options.json) printJson(incident);
      else printIncident(incident);
    },
  );
}

function investigating(incidents: Command): void {
  remoteCommand(
    incidents,
    'radius <id>',
    'what its keys did since they were compromised, and which keys to contain',
  )
    .option('--html <file>', 'write a page instead')
    .action(async (id: string, { html, ...options }: RemoteOptions & { html?: string }) => {
      const client = connect(options);
      const at = `${pathOf(id)}/blast-radius`;
      if (html !== undefined) writeFileSync(html, await client.text(`${at}?format=html`));
      else if (options.json) printJson(await client.get(at));
      else process.stdout.write(await client.text(`${at}?format=text`));
    });
  remoteCommand(
    incidents,
    'bundle <id>',
    'write report, evidence and its proofs to a folder, to be checked offline',
  )
    .requiredOption('-o, --out <directory>', 'folder to write; made where it is missing')
    .action(async (id: string, { out, ...options }: RemoteOptions & { out: string }) => {
      const client = connect(options);
      const at = `${pathOf(id)}/blast-radius`;
      mkdirSync(out, { recursive: true });
      writeFileSync(path.join(out, 'report.json'), `${JSON.stringify(await client.get(at), null, 1)}\n`);
      for (const [format, name] of [
        ['text', 'report.txt'],
        ['html', 'report.html'],
      ] as const)
        writeFileSync(path.join(out, name), await client.text(`${at}?format=${format}`));
      writeFileSync(path.join(out, 'proofs.ndjson'), await client.text(`${pathOf(id)}/evidence`));
      writeFileSync(path.join(out, 'README.txt'), PROCEDURE);
      copyFileSync(VERIFIER, path.join(out, 'verify-proof.mjs'));
      console.log(
        `Written to ${out}. Check it: node ${path.join(out, 'verify-proof.mjs')} ${path.join(out, 'proofs.ndjson')} PUBLIC_KEY`,
      );
    });
}

function telling(incidents: Command): void {
  remoteCommand(
    incidents,
    'notify <id>',
    'draft a notice for each tenant concerned; keyward notices approves them',
  ).action(async (id: string, options: RemoteOptions) => {
    type Draft = { id: string; tenant: string; kind: string };
    const { notices } = await connect(options).post<{ notices: Draft[] }>(`${pathOf(id)}/notices`);
    if (options.json) return printJson(notices);
    printTable(
      ['NOTICE', 'TENANT', 'KIND'],
      notices.map(({ id: notice, tenant, kind }) => [notice, tenant, kind]),
      'Nobody is concerned.',
    );
    console.log('Read them with keyward notices preview, then keyward notices approve.');
  });
}

function changing(incidents: Command): void {
  const change = async (id: string, act: string, options: RemoteOptions, given: object) => {
    const incident = await connect(options).post<IncidentView>(`${pathOf(id)}/${act}`, given);
    if (options.json) printJson(incident);
    else printIncident(incident);
  };
  remoteCommand(incidents, 'merge <id> <other>', 'make two incidents one')
    .requiredOption('--why <text>')
    .action((id: string, other: string, { why, ...options }: RemoteOptions & { why: string }) =>
      change(id, 'merge', options, { other, why }),
    );
  remoteCommand(incidents, 'split <id>', 'take keys out into an incident of their own')
    .requiredOption('--key <id>', 'key to take out; repeatable', gather, [])
    .requiredOption('--why <text>')
    .action((id: string, { why, key, ...options }: RemoteOptions & { why: string; key: string[] }) =>
      change(id, 'split', options, { keys: key, why }),
    );
  remoteCommand(
    incidents,
    'close <id>',
    'close an incident; after a false alarm its keys learn what they did',
  )
    .requiredOption('--as <verdict>', 'theft or false_alarm')
    .requiredOption('--why <text>')
    .action(async (id: string, { why, as, ...options }: RemoteOptions & { why: string; as: string }) => {
      await change(id, 'close', options, { verdict: as, why });
      if (as === 'false_alarm' && options.json !== true) await remind(id, options);
    });
  remoteCommand(incidents, 'reopen <id>', 'open a closed incident again')
    .requiredOption('--why <text>')
    .action((id: string, { why, ...options }: RemoteOptions & { why: string }) =>
      change(id, 'reopen', options, { why }),
    );
}

/** A false alarm does not lift what was done about it: that takes somebody's word. */
async function remind(incident: string, options: RemoteOptions): Promise<void> {
  const { plans } = await connect(options).get<{ plans: PlanView[] }>('/v1/containments');
  for (const { id, measure, waves, incident: of } of plans) {
    const keys = sum(waves, 'done');
    if (of === incident && keys > 0)
      console.log(`\n${measure} of ${counted(keys, 'key')} is in force: ${wayBack(measure, id)}`);
  }
}

function wayBack(measure: string, plan: string): string {
  return measure === 'revoke'
    ? 'it cannot be undone; issue new keys with keyward keys issue'
    : `keyward contain undo ${plan}`;
}

interface PlanOptions extends RemoteOptions {
  readonly why: string;
  readonly incident?: string;
  readonly key?: string[];
  readonly tenant?: string;
  readonly all?: boolean;
  readonly overlap: number;
  readonly waveKeys: number;
  readonly gap: number;
  readonly errorsMax: number;
  readonly refusedMax?: number;
  readonly start?: boolean;
  readonly dryRun?: boolean;
}

function planning(contain: Command): void {
  remoteCommand(contain, 'plan <measure>', 'freeze, narrow, suspend, rotate or revoke, in waves')
    .requiredOption('--why <text>')
    .option('--incident <id>', 'the exact set of this incident')
    .option('--key <id>', 'a key; repeatable', gather)
    .option('--tenant <id>', 'all keys of a tenant')
    .option('--all', 'all keys, suspects first')
    .option('--overlap <time>', 'of rotations: how long both keys work, like 1h', parseSpan, 0)
    .option('--wave-keys <n>', 'keys in a wave after the suspects', parseCount, 1_000)
    .option('--gap <time>', 'between two waves', parseSpan, 300)
    .option('--errors-max <n>', 'steps that may fail before it stops', parseCount, 0)
    .option('--refused-max <n>', 'refused calls with contained keys before it stops', parseCount)
    .addOption(new Option('--dry-run', 'show what each wave hits, and keep nothing').conflicts('start'))
    .option('--start', 'start it at once')
    .action(async (measure: string, given: PlanOptions) => {
      const { url, json, key, overlap, gap, start, ...rest } = given;
      const client = connect({ url });
      const plan = await client.post<PlanView>('/v1/containments', {
        ...{ measure, ...rest, overlapSeconds: overlap, gapSeconds: gap },
        ...(key === undefined ? {} : { keys: key }),
      });
      const shown = start === true && given.dryRun !== true ? await turn(client, plan.id, 'start') : plan;
      if (json) printJson(shown);
      else printPlan(shown);
      if (!json && given.dryRun) console.log('\nA dry run: nothing was kept, nothing was done.');
    });
}

function running(contain: Command): void {
  remoteCommand(contain, 'list', 'list plans, newest first').action(async (options: RemoteOptions) => {
    const { plans } = await connect(options).get<{ plans: PlanView[] }>('/v1/containments');
    if (options.json) return printJson(plans);
    printTable(
      ['ID', 'STATE', 'MEASURE', 'MADE', 'BY', 'WAVE', 'DONE', 'WHY'],
      plans.map(({ id, state, measure, createdAt, by, wave, waves, why }) => [
        ...[id, state, measure, ago(createdAt), by, `${wave}/${waves.length}`],
        ...[`${sum(waves, 'done')}/${sum(waves, 'keys')}`, why],
      ]),
      'There is no plan.',
    );
  });
  remoteCommand(contain, 'show <id>', 'show one plan').action(async (id: string, options: RemoteOptions) => {
    const plan = await connect(options).get<PlanView>(`/v1/containments/${encodeURIComponent(id)}`);
    if (options.json) printJson(plan);
    else printPlan(plan);
  });
  for (const [act, description] of [
    ['start', 'start, or go on after a pause or a stop'],
    ['pause', 'pause before the next key'],
    ['undo', 'take back what can be taken back'],
  ] as const)
    remoteCommand(contain, `${act} <id>`, description).action(async (id: string, options: RemoteOptions) => {
      const plan = await turn(connect(options), id, act);
      if (options.json) printJson(plan);
      else printPlan(plan);
    });
  remoteCommand(contain, 'callers <id>', 'who still calls with contained keys').action(
    async (id: string, options: RemoteOptions) => {
      const { callers } = await connect(options).get<{ callers: CallerView[] }>(
        `/v1/containments/${encodeURIComponent(id)}/callers`,
      );
      if (options.json) return printJson(callers);
      printTable(
        ['KEY', 'TENANT', 'CALLS', 'LAST', 'FROM', 'CLIENT'],
        callers.map(({ key, tenant, calls, lastAt, address, userAgent }) => [
          ...[key, tenant, String(calls), ago(lastAt), address ?? '', (userAgent ?? '').slice(0, 40)],
        ]),
        'Nobody calls with these keys any more.',
      );
    },
  );
}

function handingOver(contain: Command): void {
  remoteCommand(
    contain,
    'successors <id>',
    'the keys that a rotation made, one JSON a line: shown this once',
  ).action(async (id: string, options: RemoteOptions) => {
    const { successors } = await connect(options).post<{ successors: object[] }>(
      `/v1/containments/${encodeURIComponent(id)}/successors`,
    );
    for (const each of successors) console.log(JSON.stringify(each));
    if (successors.length === 0) console.error('No key is waiting: each is handed over once.');
  });
}

function turn(client: AdminClient, id: string, act: string): Promise<PlanView> {
  return client.post<PlanView>(`/v1/containments/${encodeURIComponent(id)}/${act}`);
}

function printIncident(incident: IncidentView): void {
  printFacts([
    ['id', incident.id],
    ['state', incident.verdict === undefined ? incident.state : `${incident.state} (${incident.verdict})`],
    ['opened', incident.openedAt],
    ['last finding', incident.lastAt],
    ['keys', String(incident.keys.length)],
    ['tenants', incident.tenants.join(', ')],
  ]);
  console.log('');
  printTable(
    ['KEY', 'TENANT', 'PRINCIPAL', 'FINDINGS', 'PRIVILEGED', 'EVIDENCE', 'FROM', 'CLIENT'],
    incident.trails.map((each) => [
      ...[each.key, each.tenant, each.principal, String(each.findings), String(each.privileged)],
      ...[each.peak.toFixed(1), Object.keys(each.networks).slice(0, 2).join(' ')],
      Object.keys(each.clients).slice(0, 1).join(' ').slice(0, 32),
    ]),
    'No key.',
  );
  console.log('');
  for (const { at, by, act, why } of incident.history)
    console.log(printable(`${at} ${act} by ${by}: ${why}`));
}

function printPlan(plan: PlanView): void {
  printFacts([
    ['id', plan.id],
    ['measure', plan.measure],
    ['state', plan.stopped === undefined ? plan.state : `${plan.state}: ${plan.stopped}`],
    ['why', plan.why],
    ['next wave', plan.nextWaveAt],
  ]);
  console.log('');
  printTable(
    ['WAVE', 'WHO', 'KEYS', 'TENANTS', 'REQUESTS/DAY', 'DONE', 'FAILED', 'SKIPPED'],
    plan.waves.map(({ wave, risk, keys, tenants, requestsPerDay, done, failed, skipped }) => [
      ...[String(wave), risk, String(keys), tenants.length > 3 ? String(tenants.length) : tenants.join(', ')],
      ...[String(requestsPerDay), String(done), String(failed), String(skipped)],
    ]),
    'No wave.',
  );
  // After an undo, what is still done could not be undone.
  const bad = plan.steps.filter(
    ({ state }) => state === 'failed' || (plan.state === 'undone' && state === 'done'),
  );
  for (const { key, note } of bad.slice(0, 20)) console.log(printable(`${key}: ${note ?? 'failed'}`));
}

function sum(waves: PlanView['waves'], field: 'done' | 'keys'): number {
  return waves.reduce((total, wave) => total + wave[field], 0);
}

function pathOf(id: string): string {
  return `/v1/incidents/${encodeURIComponent(id)}`;
}
