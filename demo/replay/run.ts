import type { Call } from '../../world/call.js';
import { type References, resolved, type ThiefCall } from '../../world/campaign.js';
import type { Principal } from '../../world/principals.js';
import { Random } from '../../world/random.js';
import { DAY_MS } from '../../world/traffic.js';
import type { Answer } from './ask.js';
import { bodyOf } from './bodies.js';
import { isThief, type Script } from './script.js';
import type { Side } from './side.js';

/** How a call of the thief ended. */
export interface Attempt {
  readonly call: ThiefCall;
  readonly status: number;
  /** Why the guard refused it. */
  readonly reason: string | undefined;
}

/** Something that is done at a certain time, besides calls. */
export interface Act {
  readonly atMs: number;
  readonly run: (nowMs: number) => Promise<void>;
}

export interface Watcher {
  attempted(attempt: Attempt): Promise<void> | void;
  day(timeMs: number, calls: number): void;
}

/** Calls within this time count as of one moment. */
export const MOMENT_MS = 5_000;
const AGENTS_TICK_MS = 60_000;
/** Real time that a program in front has after a thief's call, in place of the seconds until his next one. */
const BREATH_MS = 150;
/** Real time in which a device answers a command. */
const ANSWER_MS = 5_000;

/** Plays calls and acts in their order on one side, moment by moment. */
export class Run {
  readonly attempts: Attempt[] = [];
  /** Owners' calls: all, and those that were refused. */
  calls = 0;
  refused = 0;
  readonly #side: Side;
  readonly #owners: ReadonlyMap<string, Principal>;
  readonly #references: ReadonlyMap<string, References>;
  readonly #watcher: Watcher;
  readonly #random: Random;
  #agentsMs = 0;
  #dayMs = 0;

  constructor(side: Side, script: Script, watcher: Watcher, seed: number) {
    this.#side = side;
    this.#owners = new Map(script.principals.map((who) => [who.key, who]));
    this.#references = new Map([...script.plan.references].map(([key, known]) => [key, new Map(known)]));
    this.#watcher = watcher;
    this.#random = new Random(seed, 77);
  }

  /** What the thief knows by name of a victim's tenant. */
  referencesOf(key: string): References | undefined {
    return this.#references.get(key);
  }

  async play(calls: readonly Call[], acts: readonly Act[]): Promise<void> {
    const due = [...acts].sort((a, b) => a.atMs - b.atMs);
    for (let from = 0; from < calls.length || due.length > 0; ) {
      const nextMs = Math.min(calls[from]?.timeMs ?? Infinity, due[0]?.atMs ?? Infinity);
      let to = from;
      while (to < calls.length && (calls[to] as Call).timeMs < nextMs + MOMENT_MS) to += 1;
      const moment = calls.slice(from, to);
      // What devices answer to is never later than their own clock.
      await this.#tick(nextMs, due[0]?.atMs === nextMs || moment.some(isThief));
      while (due[0] !== undefined && due[0].atMs <= nextMs) await due.shift()?.run(nextMs);
      await this.#moment(moment, nextMs);
      from = to;
    }
  }

  /** The calls of one key one after the other, those of different keys side by side. */
  async #moment(calls: readonly Call[], nowMs: number): Promise<void> {
    const byKey = new Map<string, Call[]>();
    for (const call of calls) {
      const own = byKey.get(call.key);
      if (own === undefined) byKey.set(call.key, [call]);
      else own.push(call);
    }
    await Promise.all(
      [...byKey.values()].map(async (own) => {
        for (const call of own) await (isThief(call) ? this.#steal(call) : this.#work(call, nowMs));
      }),
    );
  }

  async #work(call: Call, nowMs: number): Promise<void> {
    const objects = this.#owners.get(call.key)?.tenant.objects;
    const body = objects && bodyOf(this.#random, call.operation, objects, nowMs);
    const { status } = await this.#side.send(call, body, false);
    this.calls += 1;
    if (status === 401 || status === 403) this.refused += 1;
  }

  async #steal(planned: ThiefCall): Promise<void> {
    const known = this.#references.get(planned.key) ?? new Map<string, string>();
    const call = resolved(planned, known);
    const answer = await this.#side.send(call, call.body ?? {}, true);
    const made = idOf(answer);
    if (call.as !== undefined && answer.status < 300 && made !== undefined) known.set(call.as, made);
    const { reason } = answer.body as { reason?: string };
    const attempt = { call, status: answer.status, reason: answer.status >= 400 ? reason : undefined };
    this.attempts.push(attempt);
    if (this.#side.guarded) await new Promise((resolve) => setTimeout(resolve, BREATH_MS));
    await this.#watcher.attempted(attempt);
    if (call.operation === 'runcommand' && answer.status < 300)
      await resultsOf(this.#side, call.tenant, known.get('command') ?? '');
  }

  async #tick(nowMs: number, exact: boolean): Promise<void> {
    const agents = exact || nowMs - this.#agentsMs >= AGENTS_TICK_MS;
    if (agents) this.#agentsMs = nowMs;
    await this.#side.tick(nowMs, agents);
    if (nowMs - this.#dayMs < DAY_MS) return;
    if (this.#dayMs > 0) this.#watcher.day(this.#dayMs, this.calls);
    this.#dayMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
  }
}

function idOf({ body }: Answer): string | undefined {
  const { _id, id } = (body ?? {}) as { _id?: string; id?: string };
  return _id ?? id;
}

/** What a device reported of a run. */
export interface DeviceResult {
  readonly commandId: string | null;
  readonly name: string;
  readonly system: string;
  readonly systemId: string;
  readonly response: { readonly data: { readonly exitCode: number; readonly output: string } };
}

/** The devices' answers to a command, as its organisation sees them; waits for the first, in real time. */
export async function resultsOf(side: Side, tenant: string, command: string | null): Promise<DeviceResult[]> {
  const adminKey = side.organisations.find(({ id }) => id === tenant)?.adminKey ?? '';
  const end = performance.now() + ANSWER_MS;
  while (performance.now() < end) {
    const { body } = await side.ask('GET', '/api/commandresults?limit=100&sort=-requestTime', adminKey);
    const { results = [] } = body as { results?: DeviceResult[] };
    const own = results.filter(({ commandId }) => commandId === command);
    if (own.length > 0) return own;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return [];
}
