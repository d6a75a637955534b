import { type Command, Option } from 'commander';
import { counted } from '../core/counted.js';
import { HOLD_STATES } from '../engine/holds.js';
import { connect, RefusedFault, type RemoteOptions, remoteCommand } from './client.js';
import { ago, printFacts, printJson, printTable } from './output.js';
import type { BudgetView, HoldsView, HoldView, StandingView } from './views.js';

/** `keyward holds` and `keyward baseline`: what operators say of odd calls. */
export function holdCommands(program: Command): void {
  const holds = program.command('holds').description('calls that wait for an approval');
  remoteCommand(holds, 'list', 'list holds, newest first')
    .addOption(new Option('--state <state>', 'only those').choices(HOLD_STATES))
    .option('--key <id>', 'only those of one key')
    .option('--limit <count>', 'how many, 100 if not given')
    .action(async ({ url, json, ...query }: RemoteOptions & Record<'state' | 'key' | 'limit', string>) => {
      const page = await connect({ url }).get<HoldsView>('/v1/holds', query);
      if (json) printJson(page.holds);
      else printHolds(page);
      mustBeWhole(page, 'what waits there is not listed');
    });
  remoteCommand(holds, 'show <id>', 'show a hold with all its reasons').action(
    async (id: string, options: RemoteOptions) => {
      const hold = await connect(options).get<HoldView>(`/v1/holds/${encodeURIComponent(id)}`);
      if (options.json) printJson(hold);
      else printHold(hold);
    },
  );
  for (const [name, description, path, body] of [
    ['approve', 'let the held request through once, without learning it', 'approve', { learn: false }],
    [
      'ours',
      'this was us: let it through once, and learn it and what else waits from there',
      'approve',
      { learn: true },
    ],
    ['deny', 'refuse the held request, also when it is asked again within a day', 'deny', undefined],
  ] as const) {
    remoteCommand(holds, `${name} <id>`, description).action(async (id: string, options: RemoteOptions) => {
      const hold = await connect(options).post<HoldView>(`/v1/holds/${encodeURIComponent(id)}/${path}`, body);
      if (options.json) printJson(hold);
      else console.log(`${hold.id} is ${hold.state}.`);
    });
  }
  baselineCommands(program);
}

function baselineCommands(program: Command): void {
  const baseline = program.command('baseline').description('what the detector has learned of a key');
  const place = (id: string) => `/v1/keys/${encodeURIComponent(id)}/baseline`;
  remoteCommand(baseline, 'show <key>', 'show it in numbers').action(
    async (id: string, options: RemoteOptions) => {
      const standing = await connect(options).get<StandingView>(place(id));
      if (options.json) printJson(standing);
      else
        printFacts([
          ['calls', String(standing.calls)],
          ['state', standing.warming ? 'warming up' : 'ready'],
          ['quarantined', String(standing.quarantined)],
          ['days', String(standing.keyDays)],
          ['alarms allowed', standing.alarmsAllowed.toFixed(2)],
          ['alarms', counted(standing.alarmDays, 'day')],
        ]);
      mustBeWhole(standing, 'what it knows of the key is not counted');
    },
  );
  for (const [name, description] of [
    ['release', "learn the odd calls that wait: they were the owner's"],
    ['discard', 'forget the odd calls that wait'],
    ['reset', 'forget everything that was learned of the key'],
  ] as const) {
    remoteCommand(baseline, `${name} <key>`, description).action(
      async (id: string, options: RemoteOptions) => {
        const { calls } = await connect(options).post<{ calls: number }>(`${place(id)}/${name}`);
        if (options.json) printJson({ calls });
        else console.log(name === 'reset' ? 'It warms up anew.' : `${counted(calls, 'call')}.`);
      },
    );
  }
  remoteCommand(baseline, 'budget', 'false alarms allowed, spent and left, over all keys').action(
    async (options: RemoteOptions) => {
      const budget = await connect(options).get<BudgetView>('/v1/alarm-budget');
      if (options.json) printJson(budget);
      else
        printFacts([
          ['key-days', String(budget.keyDays)],
          ['alarms allowed', budget.allowed.toFixed(1)],
          ['alarms', `${budget.spent}, of which ${budget.falseAlarms} called false`],
          ['left', budget.left.toFixed(1)],
          ['threshold', `${budget.threshold.toFixed(2)} nats`],
        ]);
      mustBeWhole(budget, 'its days and alarms are not counted');
    },
  );
}

/** Everything that could be asked for has been printed; whoever goes by it has to know that there may be more. */
function mustBeWhole({ silent }: Pick<HoldsView, 'silent'>, but: string): void {
  if (silent.length > 0) throw new RefusedFault(`No answer from gateway ${silent.join(', ')}: ${but}.`);
}

function printHolds({ holds, silent }: HoldsView): void {
  printTable(
    ['ID', 'STATE', 'OPENED', 'KEY', 'OPERATION', 'FROM', 'EVIDENCE', 'WHY'],
    holds.map((each) => [
      each.id,
      each.state,
      ago(each.openedAt),
      each.key,
      each.operation,
      each.address,
      each.evidence?.toFixed(1) ?? '',
      each.reasons[0]?.text ?? '',
    ]),
    silent.length === 0 ? 'Nothing waits.' : 'Nothing waits elsewhere.',
  );
}

function printHold(hold: HoldView): void {
  printFacts([
    ['id', hold.id],
    ['state', hold.state],
    ['opened', hold.openedAt],
    ['asked', counted(hold.asked, 'time')],
    ['key', `${hold.key} (tenant ${hold.tenant || '-'}, principal ${hold.principal || '-'})`],
    ['call', `${hold.method} ${hold.path} (${hold.operation}, privilege ${hold.privilege})`],
    ['body', counted(hold.bodyBytes, 'byte')],
    ['fields', hold.fields.join(', ') || undefined],
    ['from', `${hold.address}, ${hold.userAgent || 'no client named'}`],
    ['at', hold.gateway && `gateway ${hold.gateway}`],
    ['evidence', `${hold.evidence?.toFixed(2)} nats; alarms begin at ${hold.threshold?.toFixed(2)}`],
    ...hold.reasons.map(
      ({ term, nats, text }) => [term, `${nats.toFixed(1)} nats: ${text}`] as [string, string],
    ),
    ['decided', hold.decidedBy && `by ${hold.decidedBy}, ${hold.decidedAt}`],
  ]);
}
