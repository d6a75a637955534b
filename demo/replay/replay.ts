import { execFile } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { readCatalog } from '../../src/catalogs/load.js';
import type { Principal } from '../../world/principals.js';
import { HOUR_MS } from '../../world/traffic.js';
import { type Contained, closeAsFalse, contain, type Incident, openIncidents } from './operator.js';
import { type Act, type Attempt, type DeviceResult, Run, resultsOf, type Watcher } from './run.js';
import { BEGIN_MS, type Script, type ScriptOptions, scriptOf } from './script.js';
import { Side } from './side.js';

/** What is told while it happens. */
export interface Narrator {
  named(names: ReadonlyMap<string, string>): void;
  cast(script: Script): void;
  side(guarded: boolean): void;
  day(timeMs: number, calls: number): void;
  attempt(attempt: Attempt): void;
  incident(incident: Incident, nowMs: number): void;
  contained(contained: Contained): void;
  injected(nowMs: number, results: readonly DeviceResult[]): void;
  effects(check: EffectsCheck): void;
}

export interface EffectsCheck {
  readonly effects: number;
  readonly causes: number;
  readonly unexplained: readonly {
    readonly first: string;
    readonly tenant: string;
    readonly devices: readonly string[];
    readonly text: string;
  }[];
}

/** One side, when it is over. */
export interface Outcome {
  readonly attempts: readonly Attempt[];
  /** What the injection made devices do. */
  readonly injected: readonly DeviceResult[];
}

export interface GuardedOutcome extends Outcome {
  readonly calls: number;
  readonly refused: number;
  readonly incidents: readonly Incident[];
  readonly contained: readonly Contained[];
  readonly effects: EffectsCheck;
  readonly journal: JournalCounts;
  /** Webhooks that came with a good signature, and those that did not. */
  readonly webhooks: { readonly good: number; readonly bad: number };
}

/** Counted in the guard's own journal. */
export interface JournalCounts {
  readonly entries: number;
  /** From the thief's first call to the first finding against it; undefined: none. */
  readonly detectedAfterMs: number | undefined;
  readonly callsBefore: number;
  /** Stolen keys with a finding against the thief. */
  readonly keysFound: number;
  /** Owners' calls with a finding, keys and days with one, and calls that were held. */
  readonly falseFindings: number;
  readonly falseKeyDays: number;
  readonly falseHeld: number;
  readonly keyDays: number;
  /** Calls with revoked keys, and how many of them were accepted. */
  readonly afterRevocation: number;
  readonly acceptedAfterRevocation: number;
}

export interface Replayed {
  readonly script: Script;
  /** Of organisations, by id. */
  readonly names: ReadonlyMap<string, string>;
  /** Whose a key of the guard is, in words. */
  readonly keyNames: ReadonlyMap<string, string>;
  readonly privilegeOf: (operation: string) => number;
  readonly off: Outcome;
  readonly on: GuardedOutcome;
}

export interface ReplayOptions extends ScriptOptions {
  readonly dir: string;
  /** The command line of the guard. */
  readonly bin: string;
  readonly tenants: number;
}

/** The people on duty look a while after the first alarm, and then at every shift. */
const LOOK_AFTER_MS = 6 * HOUR_MS;
const SHIFT_MS = 8 * HOUR_MS;
const NEW_KEY_AFTER_MS = HOUR_MS;
const INJECTED = 'sh -c payload';
const DAY_MS = 86_400_000;

/** Plays the campaign twice: with the guard away, and with it in front. */
export async function replay(options: ReplayOptions, narrator: Narrator): Promise<Replayed> {
  const { dir, seed, tenants } = options;
  const guarded = await Side.open(path.join(dir, 'guarded'), seed, tenants, BEGIN_MS);
  const sides = [guarded];
  try {
    const script = scriptOf(guarded.organisations, options);
    const names = new Map(guarded.organisations.map(({ id, name }) => [id, name]));
    narrator.named(names);
    narrator.cast(script);
    const open = await Side.open(path.join(dir, 'open'), seed, tenants, script.theftMs - HOUR_MS);
    sides.push(open);
    narrator.side(false);
    const off = await playOpen(open, script, narrator, seed);
    narrator.side(true);
    const on = await new GuardedPlay(guarded, script, narrator, options).play();
    return {
      script,
      names,
      keyNames: keyNamesOf(guarded, script, names),
      privilegeOf: privilegeOf(),
      off,
      on,
    };
  } finally {
    for (const side of sides) await side.close();
  }
}

function keyNamesOf(
  side: Side,
  { principals }: Script,
  names: ReadonlyMap<string, string>,
): Map<string, string> {
  const owners = new Map(principals.map((who) => [who.key, `${who.id} of ${names.get(who.tenant.id)}`]));
  return new Map([...side.keyIds].map(([id, key]) => [id, owners.get(key) ?? id]));
}

function privilegeOf(): (operation: string) => number {
  const privileges = new Map(
    readCatalog('jumpcloud').operations.map(({ name, privilege }) => [name, privilege]),
  );
  return (operation) => privileges.get(operation) ?? 0;
}

/** A device with an agent in each victim's tenant: the one that the thief chooses. */
async function devices(side: Side, { victims }: Script, nowMs: number): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  for (const [n, who] of victims.entries()) {
    const organisation = side.organisations.find(({ id }) => id === who.tenant.id);
    if (organisation !== undefined)
      ids.set(who.key, await side.device(organisation, `laptop-${n + 1}`, nowMs));
  }
  return ids;
}

function choose(run: Run, chosen: ReadonlyMap<string, string>): void {
  for (const [key, device] of chosen) {
    const known = run.referencesOf(key);
    if (known?.has('device')) known.set('device', device);
  }
}

/** Inside the provider, past every key. */
async function inject(
  side: Side,
  { injection }: Script,
  chosen: ReadonlyMap<string, string>,
): Promise<DeviceResult[]> {
  await side.inject([chosen.get(injection.victim.key) ?? ''], 'uname -a', INJECTED);
  return resultsOf(side, injection.victim.tenant.id, null);
}

async function playOpen(side: Side, script: Script, narrator: Narrator, seed: number): Promise<Outcome> {
  for (const who of script.victims) await side.enrol(who);
  const chosen = await devices(side, script, script.theftMs - HOUR_MS);
  const run = new Run(side, script, { attempted: narrator.attempt, day: () => undefined }, seed);
  choose(run, chosen);
  let injected: DeviceResult[] = [];
  const act: Act = {
    atMs: script.injection.atMs,
    run: async (nowMs) => {
      injected = await inject(side, script, chosen);
      narrator.injected(nowMs, injected);
    },
  };
  await run.play(script.plan.calls, [act]);
  return { attempts: run.attempts, injected };
}

/** The guarded side: everybody's life, the theft in the middle of it, and what the provider's people do. */
class GuardedPlay {
  readonly #side: Side;
  readonly #script: Script;
  readonly #narrator: Narrator;
  readonly #options: ReplayOptions;
  readonly #stolen: ReadonlySet<string>;
  readonly #incidents = new Map<string, Incident>();
  readonly #contained: Contained[] = [];
  readonly #revokedMs = new Map<string, number>();

  constructor(side: Side, script: Script, narrator: Narrator, options: ReplayOptions) {
    this.#side = side;
    this.#script = script;
    this.#narrator = narrator;
    this.#options = options;
    this.#stolen = new Set(script.victims.map(({ key }) => key));
  }

  async play(): Promise<GuardedOutcome> {
    const { theftMs, endMs, principals, calls, plan, injection } = this.#script;
    const sink = await openSink();
    try {
      await this.#side.guard(this.#options.bin, SETTINGS, BEGIN_MS);
      for (const organisation of this.#side.organisations) await this.#contact(organisation, sink);
      for (const who of principals) await this.#side.enrol(who);
      const chosen = await devices(this.#side, this.#script, BEGIN_MS);
      const watcher: Watcher = { attempted: this.#narrator.attempt, day: this.#narrator.day };
      const run = new Run(this.#side, this.#script, watcher, this.#options.seed);
      choose(run, chosen);
      let injected: DeviceResult[] = [];
      const acts: Act[] = [
        {
          atMs: injection.atMs,
          run: async (nowMs) => {
            injected = await inject(this.#side, this.#script, chosen);
            this.#narrator.injected(nowMs, injected);
          },
        },
      ];
      for (let atMs = theftMs + LOOK_AFTER_MS; atMs < endMs; atMs += SHIFT_MS) {
        acts.push({ atMs, run: (nowMs) => this.#look(nowMs) });
        acts.push({ atMs: atMs + NEW_KEY_AFTER_MS, run: () => this.#newKeys() });
      }
      const all = [...calls, ...plan.calls].sort((a, b) => a.timeMs - b.timeMs);
      await run.play(all, acts);
      const effects = await this.#effects();
      this.#narrator.effects(effects);
      const { attempts, calls: sent, refused } = run;
      return {
        ...{ attempts, injected, calls: sent, refused, effects },
        incidents: [...this.#incidents.values()],
        ...{ contained: this.#contained, webhooks: sink.counts, journal: await this.#count() },
      };
    } finally {
      sink.server.closeAllConnections();
      sink.server.close();
    }
  }

  /** Every incident that is open: theft is contained and told; the owners know the others. */
  async #look(nowMs: number): Promise<void> {
    for (const incident of await openIncidents(this.#side)) {
      const theft = incident.keys.some((key) => this.#stolen.has(this.#side.keyIds.get(key) ?? ''));
      const known = { ...incident, theft };
      this.#incidents.set(incident.id, known);
      this.#narrator.incident(known, nowMs);
      if (!theft) {
        await closeAsFalse(this.#side, incident.id);
        continue;
      }
      const contained = await contain(this.#side, incident.id, nowMs);
      for (const { key } of contained.keys) this.#revokedMs.set(key, nowMs);
      this.#contained.push(contained);
      this.#narrator.contained(contained);
      await this.#side.admin('POST', `/v1/incidents/${incident.id}/close`, {
        verdict: 'theft',
        why: 'contained and told',
      });
    }
  }

  /** Whoever was told has a new key in his script. */
  async #newKeys(): Promise<void> {
    const left = [...this.#revokedMs.keys()].filter((key) => !this.#replaced.has(key));
    for (const key of left) {
      this.#replaced.add(key);
      const who = this.#script.principals.find((each) => each.key === this.#side.keyIds.get(key));
      if (who !== undefined) await this.#side.enrol(who as Principal, this.#replaced.size);
    }
  }
  readonly #replaced = new Set<string>();

  async #contact({ id, name }: { id: string; name: string }, { port, secret }: Sink): Promise<void> {
    const sealed = `hook-${id}`;
    await this.#side.admin('PUT', `/v1/sealed/${sealed}`, { upstream: '@webhooks', header: 'x', secret });
    const webhooks = [{ url: `http://127.0.0.1:${port}/${id}`, secrets: [sealed] }];
    await this.#side.admin('PUT', `/v1/tenants/${id}`, { name, contacts: { emails: [], webhooks } });
  }

  /** The provider's event log against the guard's journal. */
  async #effects(): Promise<EffectsCheck> {
    const file = path.join(this.#side.dir, 'device-events.ndjson');
    const events: unknown[] = [];
    for (const { adminKey } of this.#side.organisations) {
      const query = { service: ['all'], start_time: new Date(BEGIN_MS).toISOString(), limit: 10_000 };
      const { body } = await this.#side.ask('POST', '/insights/directory/v1/events', adminKey, query);
      events.push(
        ...(body as { event_type: string }[]).filter((each) => each.event_type === 'command_result'),
      );
    }
    writeFileSync(file, events.map((event) => JSON.stringify(event)).join('\n'));
    return JSON.parse(
      await this.#cli('journal', 'effects', file, '-d', this.#data, '--json'),
    ) as EffectsCheck;
  }

  async #count(): Promise<JournalCounts> {
    const thieves = new Set(
      this.#script.plan.calls.map(({ key, ip, userAgent }) => `${key} ${ip} ${userAgent}`),
    );
    const lines = (await this.#cli('journal', 'export', '-d', this.#data)).split('\n');
    const counts = {
      ...{ entries: 0, callsBefore: 0, falseFindings: 0, falseHeld: 0 },
      ...{ afterRevocation: 0, acceptedAfterRevocation: 0 },
    };
    let [firstMs, foundMs] = [Number.NaN, Number.NaN];
    const found = new Set<string>();
    const falseDays = new Set<string>();
    const days = new Set<string>();
    for (const line of lines) {
      if (line === '') continue;
      counts.entries += 1;
      const entry = JSON.parse(line) as JournalLine;
      if (entry.kind !== 'decision' || entry.key === undefined) continue;
      const day = `${entry.key} ${Math.floor(entry.time / DAY_MS)}`;
      days.add(day);
      const revokedMs = this.#revokedMs.get(entry.key);
      if (revokedMs !== undefined && entry.time > revokedMs) {
        counts.afterRevocation += 1;
        if (entry.decision !== 'deny') counts.acceptedAfterRevocation += 1;
      }
      if (thieves.has(`${this.#side.keyIds.get(entry.key)} ${entry.address} ${entry.userAgent}`)) {
        if (Number.isNaN(firstMs)) firstMs = entry.time;
        if (entry.finding !== undefined) {
          if (Number.isNaN(foundMs)) foundMs = entry.time;
          found.add(entry.key);
        } else if (Number.isNaN(foundMs)) counts.callsBefore += 1;
      } else if (entry.finding !== undefined) {
        counts.falseFindings += 1;
        if (entry.decision === 'hold') counts.falseHeld += 1;
        falseDays.add(day);
      }
    }
    return {
      ...counts,
      detectedAfterMs: Number.isNaN(foundMs) ? undefined : foundMs - firstMs,
      ...{ keysFound: found.size, falseKeyDays: falseDays.size, keyDays: days.size },
    };
  }

  get #data(): string {
    return path.join(this.#side.dir, 'guard');
  }

  /** A command of the guard, on its files. One that found something ends with 1. */
  async #cli(...args: string[]): Promise<string> {
    const run = promisify(execFile)(process.execPath, [this.#options.bin, ...args], { maxBuffer: 1 << 30 });
    return run.then(
      ({ stdout }) => stdout,
      (error: { code?: number; stdout?: string }) => {
        if (error.code !== 1 || error.stdout === undefined || error.stdout === '') throw error;
        return error.stdout;
      },
    );
  }
}

interface JournalLine {
  readonly kind: string;
  readonly time: number;
  readonly key?: string;
  readonly address?: string;
  readonly userAgent?: string;
  readonly decision?: string;
  readonly finding?: unknown;
}

/** The guard as a careful operator has it: it acts by itself, and leaves a frozen key what it has always done. */
const SETTINGS = {
  listeners: [{ port: 0 }],
  admin: { port: 0 },
  trustedProxies: ['127.0.0.1'],
  detector: { mode: 'enforce' },
  containment: { automatic: 'freeze' },
  notices: { webhooks: { allowNetworks: ['127.0.0.0/8'] } },
};

interface Sink {
  readonly server: http.Server;
  readonly port: number;
  readonly secret: string;
  readonly counts: { good: number; bad: number };
}

/** The tenants' end of the webhooks: counts what comes, by its signature (Standard Webhooks). */
async function openSink(): Promise<Sink> {
  const key = randomBytes(32);
  const counts = { good: 0, bad: 0 };
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = request.headers;
      const signed = createHmac('sha256', key)
        .update(`${id}.${at}.${Buffer.concat(chunks)}`)
        .digest('base64');
      if (String(signature).split(' ').includes(`v1,${signed}`)) counts.good += 1;
      else counts.bad += 1;
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, port, secret: `whsec_${key.toString('base64')}`, counts };
}
