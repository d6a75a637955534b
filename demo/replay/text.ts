import { styleText } from 'node:util';
import type { Contained, Incident } from './operator.js';
import type { EffectsCheck, Narrator, Replayed } from './outcome.js';
import type { Attempt, DeviceResult } from './run.js';
import type { Script } from './script.js';
import { type Summary, succeeded, verdictOf } from './summary.js';

type Style = Parameters<typeof styleText>[0];

const WIDTH = 100;
const LISTED = 5;

/** Tells on a terminal what happens, as it happens. */
export class Terminal implements Narrator {
  readonly #write: (line: string) => void;
  readonly #coloured: boolean;
  #names = new Map<string, string>();
  readonly #owners = new Map<string, string>();
  #wave = '';
  #lastCalls = 0;

  constructor(write: (line: string) => void, coloured: boolean) {
    this.#write = write;
    this.#coloured = coloured;
  }

  cast = ({ campaign, principals, victims, calls, theftMs }: Script): void => {
    const tenants = new Set(principals.map(({ tenant }) => tenant.id)).size;
    for (const who of principals) this.#owners.set(who.key, `${who.id} of ${this.#name(who.tenant.id)}`);
    const kinds = [...new Set(principals.map(({ id }) => id))];
    this.#say(this.#style('bold', campaign.title));
    this.#say(campaign.source);
    this.#say('');
    this.#say(
      `A cloud directory with ${tenants} organisations and ${principals.length} keys: ${kinds.join(', ')}.`,
    );
    this.#say(
      `${count(calls.length)} calls of their owners; from ${day(theftMs)} on, a thief with ${victims.length} of the keys.`,
    );
    this.#say('Directory, guard, device agents and requests are real programs; only their clock is set.');
  };

  named(names: ReadonlyMap<string, string>): void {
    this.#names = new Map(names);
  }

  side = (guarded: boolean): void => {
    this.#wave = '';
    this.#title(guarded ? 'with the guard' : 'without the guard');
  };

  day = (timeMs: number, calls: number): void => {
    this.#say(`${day(timeMs)}         ${count(calls - this.#lastCalls).padStart(6)} calls of owners`);
    this.#lastCalls = calls;
  };

  attempt = (attempt: Attempt): void => {
    const { timeMs, wave, tenant, principal, operation, gain } = attempt.call;
    if (wave !== this.#wave) this.#say(this.#style('bold', `  the thief: ${wave}`));
    this.#wave = wave;
    const done = succeeded(attempt);
    const verdict = this.#style(done ? 'red' : 'green', verdictOf(attempt));
    const got = done && gain !== undefined ? `: ${gain}` : '';
    const who = `${this.#name(tenant)} / ${principal}`.padEnd(31);
    this.#say(`${time(timeMs)}  ${who}  ${operation.padEnd(30)}  ${verdict}${got}`);
  };

  frozen = (key: string, why: string): void => {
    this.#say(
      this.#style(
        'green',
        `    the guard, by itself: ${this.#owners.get(key) ?? key} is frozen to its habits (${why})`,
      ),
    );
  };

  incident = ({ id, keys, tenants, findings, peak, theft }: Incident, nowMs: number): void => {
    const what = theft ? 'a theft' : 'no theft, its owner says';
    this.#say(
      `${this.#style(
        'bold',
        `${time(nowMs)}  incident ${id}: ${plural(keys.length, 'key')} of ${plural(tenants.length, 'tenant')}, `,
      )}${plural(findings, 'finding')}, evidence ${peak.toFixed(0)} nats: ${what}`,
    );
  };

  contained = ({ keys, leftAlone, silent, receipts, notices, delivered }: Contained): void => {
    this.#say(
      `    revoked ${plural(keys.length, 'key')}; ${count(leftAlone.length + silent)} left alone, each with its evidence`,
    );
    this.#say(
      `    ${plural(receipts.length, 'signed receipt')}, ${plural(notices.length, 'notice')} to tenants, ${delivered} delivered`,
    );
  };

  injected = (nowMs: number, results: readonly DeviceResult[]): void => {
    this.#say(
      this.#style('bold', '  inside the provider: a command straight into the queue, past every key'),
    );
    for (const { system, response } of results)
      this.#say(`${time(nowMs)}  ${system} ran it: ${response.data.output.trim().slice(0, 60)}`);
    if (results.length === 0) this.#say(`${time(nowMs)}  no device has answered`);
  };

  effects = ({ effects, causes, unexplained }: EffectsCheck): void => {
    this.#say(
      `Device log against journal: ${plural(effects, 'effect')}, ${plural(causes, 'request')} that can have such effects.`,
    );
    for (const { first, tenant, devices } of unexplained)
      this.#say(
        this.#style(
          'green',
          `  found: ${first.slice(0, 16)} ${this.#name(tenant)} / ${devices.join(', ')}: a command without a request`,
        ),
      );
  };

  /** The end: what it came to. */
  report(replayed: Replayed, summary: Summary): void {
    this.#title('what the thief got');
    this.#rows(
      ['', 'without', 'with'],
      [
        ...summary.gains.map((each) => [each.what, count(each.without), count(each.with)]),
        ['privileged operations', count(summary.privileged.without), count(summary.privileged.with)],
        ['calls that succeeded', count(summary.calls.without), count(summary.calls.with)],
        ...[
          [
            'commands past every key',
            count(replayed.off.injected.length),
            count(replayed.on.injected.length),
          ],
        ],
      ],
    );
    this.#title('how it was found and contained');
    for (const line of facts(replayed, summary)) this.#say(line);
    this.#title('keys contained, and keys left alone');
    for (const each of replayed.on.contained) {
      for (const { key, why } of each.keys)
        this.#say(`  contained   ${replayed.keyNames.get(key) ?? key}: ${why}`);
      for (const { key, why } of each.leftAlone.slice(0, LISTED))
        this.#say(`  left alone  ${replayed.keyNames.get(key) ?? key}: ${why}`);
      if (each.leftAlone.length > LISTED)
        this.#say(`  … and ${each.leftAlone.length - LISTED} more, each with such a line`);
    }
    const notice = replayed.on.contained[0]?.notices.find(({ kind }) => kind === 'touched');
    if (notice === undefined) return;
    this.#title('what a tenant is told');
    this.#say(notice.subject);
    for (const line of notice.text.split('\n').slice(0, 24)) this.#say(`  ${line}`);
  }

  #rows(head: readonly string[], rows: readonly (readonly string[])[]): void {
    const line = ([first = '', ...rest]: readonly string[]) =>
      `  ${first.padEnd(40)}${rest.map((each) => each.padStart(10)).join('')}`;
    this.#say(this.#style('bold', line(head)));
    for (const row of rows) this.#say(line(row));
  }

  #title(text: string): void {
    this.#say('');
    this.#say(this.#style('bold', `── ${text} ${'─'.repeat(WIDTH - text.length - 4)}`));
  }

  #name(tenant: string): string {
    return this.#names.get(tenant) ?? tenant;
  }

  #style(style: Style, text: string): string {
    return this.#coloured ? styleText(style, text) : text;
  }

  #say(line: string): void {
    this.#write(line);
  }
}

/** What is known in the end, in sentences: also what went wrong. */
export function facts({ on }: Replayed, { privileged }: Summary): string[] {
  const { journal, incidents, contained, effects, webhooks } = on;
  const found =
    journal.detectedAfterMs === undefined
      ? 'The guard found nothing against the thief.'
      : `The first finding came ${span(journal.detectedAfterMs)} after the thief's first call, after ${plural(journal.callsBefore, 'call')}; ${plural(journal.keysFound, 'stolen key')} had findings.`;
  const exposure = `Exposure: ${privileged.with} of ${plural(privileged.tried, 'privileged operation')} that he tried.`;
  const falses = incidents.filter(({ theft }) => !theft).length;
  const false_ = `False alarms: ${journal.falseKeyDays} in ${count(journal.keyDays)} key-days (${plural(journal.falseFindings, 'call')} flagged, ${journal.falseHeld} of them held), ${plural(falses, 'incident')} that ${falses === 1 ? 'was' : 'were'} none.`;
  const receipts = contained.flatMap((each) => each.receipts);
  const after = `Revoked: ${receipts.length} ${receipts.every(({ exact }) => exact) ? 'exact ' : ''}receipts; afterwards ${plural(journal.afterRevocation, 'call')} came with these keys, ${journal.acceptedAfterRevocation} were accepted.`;
  const notices = contained.flatMap((each) => each.notices);
  const kinds = (kind: string) => notices.filter((each) => each.kind === kind).length;
  const told = `Told: ${kinds('touched')} tenants that were touched, ${kinds('precaution')} as a precaution; ${webhooks.good} webhooks arrived with a good signature, ${webhooks.bad} with a bad one.`;
  const inside =
    on.injected.length === 0
      ? 'Nothing was injected.'
      : effects.unexplained.length > 0
        ? `The command inside the provider passed no key, so nothing stopped it; the device log against the journal shows it: ${plural(effects.unexplained.length, 'run')} without a request.`
        : 'The command inside the provider passed no key, nothing stopped it, and the comparison did not find it.';
  return [found, exposure, false_, after, told, inside];
}

export function time(ms: number): string {
  return `${day(ms)} ${new Date(ms).toISOString().slice(11, 16)}`;
}

function day(ms: number): string {
  return new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: '2-digit',
    month: 'short',
    timeZone: 'UTC',
  })
    .format(ms)
    .replace(',', '');
}

function span(ms: number): string {
  if (ms < 1_000) return 'at once, 0 s';
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}

function plural(number: number, what: string): string {
  return `${count(number)} ${what}${number === 1 ? '' : 's'}`;
}
