import { styleText } from 'node:util';
import wrapAnsi from 'wrap-ansi';
import { facts, leftAlone } from './facts.js';
import type { Contained } from './operator.js';
import type { EffectsCheck, Known, Narrator, Replayed } from './outcome.js';
import type { Attempt, DeviceResult } from './run.js';
import type { Script } from './script.js';
import { gained, type Summary, succeeded, verdictOf } from './summary.js';
import { count, day, plural, time } from './words.js';

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
  #operationWidth = 0;

  constructor(write: (line: string) => void, coloured: boolean) {
    this.#write = write;
    this.#coloured = coloured;
  }

  cast = ({ campaign, principals, victims, calls, plan, theftMs }: Script): void => {
    this.#operationWidth = Math.max(...plan.calls.map(({ operation }) => operation.length));
    const tenants = new Set(principals.map(({ tenant }) => tenant.id)).size;
    for (const who of principals) this.#owners.set(who.key, `${who.id} of ${this.#name(who.tenant.id)}`);
    const kinds = [...new Set(principals.map(({ id }) => id))];
    this.#say(this.#style('bold', campaign.title));
    this.#say(campaign.source);
    this.#say('');
    this.#tell(
      '',
      `A cloud directory with ${plural(tenants, 'organisation')} and ${plural(principals.length, 'key')}: ${kinds.join(', ')}. ${plural(calls.length, 'call')} of their owners; from ${day(theftMs)} on, a thief with ${victims.length} of the keys.`,
    );
    this.#tell(
      '',
      'Directory, guard, device agents and requests are real programs; only their clock is set.',
    );
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
    this.#say(`${time(timeMs)}  ${who}  ${operation.padEnd(this.#operationWidth)}  ${verdict}${got}`);
  };

  frozen = (key: string, why: string): void => {
    const owner = this.#owners.get(key) ?? key;
    this.#tell(
      '    ',
      this.#style('green', `the guard, by itself: ${owner} is frozen to its habits (${why})`),
    );
  };

  incident = ({ id, keys, tenants, findings, peak, theft }: Known, nowMs: number): void => {
    const what = theft ? 'a theft' : 'no theft, its owner says';
    const whose = `incident ${id}: ${plural(keys.length, 'key')} of ${plural(tenants.length, 'tenant')}`;
    const evidence = `${plural(findings, 'finding')}, evidence ${peak.toFixed(0)} nats: ${what}`;
    this.#tell(`${time(nowMs)}  `, `${this.#style('bold', whose)}, ${evidence}`);
  };

  contained = (contained: Contained): void => {
    const { keys, receipts, notices, delivered } = contained;
    const told = `${plural(notices.length, 'notice')} to tenants, ${delivered} delivered`;
    this.#tell('    ', `revoked ${plural(keys.length, 'key')}; ${leftAlone(contained)}`);
    this.#tell('    ', `${plural(receipts.length, 'signed receipt')}, ${told}`);
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
    const possible = plural(
      causes,
      'request that can have such effects',
      'requests that can have such effects',
    );
    this.#tell('', `Device log against journal: ${plural(effects, 'effect')}, ${possible}.`);
    for (const { first, tenant, devices } of unexplained) {
      const where = `${this.#name(tenant)} / ${devices.join(', ')}`;
      const found = `found: ${time(Date.parse(first))}  ${where}: a command without a request`;
      this.#tell('  ', this.#style('green', found));
    }
  };

  /** The end: what it came to. */
  report(replayed: Replayed, summary: Summary): void {
    this.#title('what the thief got');
    this.#rows(
      ['', 'without', 'with'],
      gained(replayed, summary).map((each) => [each.what, count(each.without), count(each.with)]),
    );
    this.#title('how it was found and contained');
    for (const line of facts(replayed, summary)) this.#tell('- ', line);
    this.#title('keys contained, and keys left alone');
    for (const each of replayed.on.contained) {
      for (const { key, why } of each.keys)
        this.#tell('  contained   ', `${replayed.keyNames.get(key) ?? key}: ${why}`);
      for (const { key, why } of each.leftAlone.slice(0, LISTED))
        this.#tell('  left alone  ', `${replayed.keyNames.get(key) ?? key}: ${why}`);
      if (each.leftAlone.length > LISTED)
        this.#say(`  … and ${each.leftAlone.length - LISTED} more, each with such a line`);
    }
    const notice = replayed.on.contained[0]?.notices.find(({ kind }) => kind === 'touched');
    if (notice === undefined) return;
    this.#title('what a tenant is told');
    this.#say(notice.subject);
    for (const line of notice.text.split('\n').slice(0, 24)) {
      const [indent = ''] = /^ */.exec(line) ?? [];
      this.#tell(`  ${indent}`, line.trimStart());
    }
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

  /** A sentence after some first words. Further lines begin below it. */
  #tell(first: string, text: string): void {
    const indent = '\n'.padEnd(first.length + 1);
    this.#write(first + wrapAnsi(text, WIDTH - first.length).replaceAll('\n', indent));
  }
}
