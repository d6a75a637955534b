import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { CheckedIn, Order, Policy, PolicyStatus, RunResult } from '../agent-protocol.js';
import { EXIT } from '../agent-protocol.js';
import { type DirectoryClient, Refused } from './client.js';
import type { Identity } from './identity.js';
import { takeInventory } from './inventory.js';
import type { Entry, Journal } from './journal.js';
import { keepPolicy } from './policies.js';
import { killGroup, type Outcome, runCommand } from './run.js';
import type { Sandbox } from './sandbox.js';

export interface AgentOptions {
  readonly hostname: string;
  readonly connectKey: string | undefined;
  /** How long a check-in waits for work at the directory. */
  readonly checkInMs: number;
  readonly inventoryMs: number;
  readonly programs: ReadonlySet<string>;
  readonly say: (what: Record<string, unknown>) => void;
}

export type Ended = 'shutdown' | 'erased' | 'refused' | 'stopped';

const PAUSE_MS = { first: 200, most: 5_000 };
/** A clock that is off, or a directory that just started, refuses too: it is asked again before it is believed. */
const REFUSALS_MAX = 3;

/** One device. Checks in, keeps policies, runs commands one after the other, and reports each exactly once or says why not. */
export class Agent {
  readonly #client: DirectoryClient;
  readonly #identity: Identity;
  readonly #journal: Journal;
  readonly #sandbox: Sandbox;
  readonly #options: AgentOptions;
  readonly #stop = new AbortController();
  #running = new AbortController();
  #queue: Promise<void> = Promise.resolve();
  readonly #waiting = new Set<string>();
  #flushing: Promise<void> = Promise.resolve();
  #policies: readonly Policy[] = [];
  #bootedAt = Date.now();
  #inventoryDueAt = 0;
  #ended: Ended | undefined;

  constructor(
    client: DirectoryClient,
    identity: Identity,
    journal: Journal,
    sandbox: Sandbox,
    options: AgentOptions,
  ) {
    this.#client = client;
    this.#identity = identity;
    this.#journal = journal;
    this.#sandbox = sandbox;
    this.#options = options;
  }

  /** Resolves when the device is off. */
  async run(): Promise<Ended> {
    await this.#recover();
    let waitMs = PAUSE_MS.first;
    let refusals = 0;
    while (this.#ended === undefined) {
      try {
        const systemId = await this.#enrolled();
        await this.#flush();
        await this.#take(await this.#checkIn(systemId));
        waitMs = PAUSE_MS.first;
        refusals = 0;
      } catch (error) {
        if (this.#ended !== undefined) break;
        this.#options.say({ event: 'not connected', error: String(error) });
        refusals = error instanceof Refused ? refusals + 1 : 0;
        if (refusals >= REFUSALS_MAX) this.#end('refused');
        await pause(waitMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
        waitMs = Math.min(waitMs * 2, PAUSE_MS.most);
      }
    }
    await this.#queue;
    return this.#ended;
  }

  /** Ends after the command that runs. */
  stop(): void {
    this.#end('stopped');
  }

  #end(how: Ended): void {
    this.#ended ??= how;
    this.#stop.abort();
  }

  async #enrolled(): Promise<string> {
    const { systemId } = this.#identity;
    if (systemId !== null) return systemId;
    const { connectKey, hostname } = this.#options;
    if (connectKey === undefined) throw new Error('not enrolled, and no connect key given');
    const inventory = await takeInventory(hostname, this.#bootedAt, this.#sandbox);
    const made = await this.#client.enrol(connectKey, this.#identity.publicKey(), inventory);
    await this.#identity.set({ systemId: made });
    this.#options.say({ event: 'enrolled', systemId: made });
    return made;
  }

  async #checkIn(systemId: string): Promise<CheckedIn> {
    const policies: PolicyStatus[] = [];
    for (const policy of this.#policies) policies.push(await keepPolicy(policy, this.#sandbox));
    const due = Date.now() >= this.#inventoryDueAt;
    const { hostname, checkInMs, inventoryMs } = this.#options;
    const report = {
      ...{ locked: this.#identity.locked, bootedAt: new Date(this.#bootedAt).toISOString(), policies },
      holding: [...this.#waiting, ...this.#journal.entries().map(({ id }) => id)].slice(0, 1_000),
      // What is new is told at once; then there is time to wait for work.
      waitMs: due ? 0 : checkInMs,
      ...(due ? { inventory: await takeInventory(hostname, this.#bootedAt, this.#sandbox) } : {}),
    };
    const answer = await this.#client.checkIn(systemId, report, this.#stop.signal);
    if (due) this.#inventoryDueAt = Date.now() + inventoryMs;
    return answer;
  }

  async #take({ orders, policies }: CheckedIn): Promise<void> {
    this.#policies = policies;
    for (const order of orders) {
      if (this.#journal.has(order.id) || this.#waiting.has(order.id)) continue;
      if (order.action !== 'command') await this.#act(order);
      else if (!this.#identity.locked) this.#enqueue(order);
    }
  }

  #enqueue(order: Order): void {
    this.#waiting.add(order.id);
    this.#queue = this.#queue
      .then(() => this.#runOne(order))
      .catch((error: unknown) =>
        this.#options.say({ event: 'run failed', id: order.id, error: String(error) }),
      )
      .finally(() => this.#waiting.delete(order.id));
  }

  async #runOne(order: Order): Promise<void> {
    // Locked or ended meanwhile: not begun, so it stays with the directory.
    if (this.#ended !== undefined || this.#identity.locked) return;
    const startedAt = new Date().toISOString();
    const started = { state: 'started' as const, id: order.id, startedAt };
    await this.#journal.keep({ ...started, process: null });
    const { programs } = this.#options;
    const outcome = await runCommand(order, this.#sandbox, programs, this.#running.signal, async (pid) =>
      this.#journal.keep({ ...started, process: { pid, since: sinceOf(pid) } }),
    );
    await this.#done(order.id, startedAt, outcome);
  }

  async #done(id: string, startedAt: string, outcome: Outcome): Promise<void> {
    const result = { id, ...outcome, startedAt, endedAt: new Date().toISOString() };
    await this.#journal.keep({ state: 'done', id, result });
    this.#options.say({ event: 'done', id, exitCode: outcome.exitCode });
    // If it cannot be told now, the next check-in tries again.
    await this.#flush().catch(() => undefined);
  }

  /** What a device does beside running commands. Done before it is reported, so doing it twice must be harmless. */
  async #act(order: Order): Promise<void> {
    const startedAt = new Date().toISOString();
    const said = (output: string): RunResult => ({
      ...{ id: order.id, exitCode: 0, output, error: '', startedAt, endedAt: new Date().toISOString() },
    });
    const { systemId } = this.#identity;
    if (systemId === null) return;
    switch (order.action) {
      case 'command':
        return;
      case 'lock':
      case 'unlock':
        await this.#identity.set({ locked: order.action === 'lock' });
        await this.#client.report(systemId, said(`${order.action}ed`));
        return;
      case 'restart':
        await this.#halt();
        [this.#bootedAt, this.#inventoryDueAt] = [Date.now(), 0];
        await this.#client.report(systemId, said('restarted'));
        return;
      case 'shutdown':
        await this.#client.report(systemId, said('shut down'));
        await this.#halt();
        this.#end('shutdown');
        return;
      case 'erase':
        await this.#halt();
        await this.#sandbox.erase();
        await this.#client.report(systemId, said('erased'));
        await this.#identity.destroy();
        this.#end('erased');
    }
  }

  /** Ends what runs; its result says so. */
  async #halt(): Promise<void> {
    this.#running.abort();
    await this.#queue;
    this.#running = new AbortController();
  }

  /** After a kill: what had begun is not begun again, and its result says that nobody knows how far it came. */
  async #recover(): Promise<void> {
    for (const entry of this.#journal.entries()) {
      if (entry.state === 'done') continue;
      endLeftOver(entry);
      await this.#journal.keep({
        ...{ state: 'done', id: entry.id },
        result: {
          ...{ id: entry.id, exitCode: EXIT.interrupted, output: '' },
          error: 'interrupted: the agent ended while the command ran; it is not run again',
          ...{ startedAt: entry.startedAt, endedAt: new Date().toISOString() },
        },
      });
    }
  }

  #flush(): Promise<void> {
    const next = this.#flushing.catch(() => undefined).then(() => this.#report());
    this.#flushing = next;
    return next;
  }

  async #report(): Promise<void> {
    const { systemId } = this.#identity;
    if (systemId === null) return;
    for (const entry of this.#journal.entries()) {
      if (entry.state !== 'done') continue;
      await this.#client.report(systemId, entry.result);
      await this.#journal.forget(entry.id);
    }
  }
}

/** The command of an agent that was killed may still run; its number may be another's by now. */
function endLeftOver(entry: Entry): void {
  if (entry.state !== 'started' || entry.process === null || entry.process.since === '') return;
  if (sinceOf(entry.process.pid) === entry.process.since) killGroup(entry.process.pid);
}

/** When a process began, in ticks since the machine did (proc(5)); empty where that is not known. */
function sinceOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
