import { HOUR_MS } from '../../world/traffic.js';
import { choose, devicesOf, injectionOf } from './devices.js';
import {
  type Contained,
  closeAsFalse,
  contain,
  frozenByItself,
  openIncidents,
  type Trail,
} from './operator.js';
import type { GuardedOutcome, Known, Narrator } from './outcome.js';
import { checkEffects, countJournal } from './record.js';
import { type Attempt, type DeviceResult, MOMENT_MS, Run, type Watcher } from './run.js';
import { BEGIN_MS, type Script } from './script.js';
import type { Side } from './side.js';
import { openSink, type Sink } from './sink.js';

/** The people on duty look at every change of shift. */
const SHIFT_MS = 8 * HOUR_MS;
const NEW_KEY_AFTER_MS = HOUR_MS;

/** The guarded side: everybody's life, the theft in the middle of it, and what the provider's people do. */
export class GuardedPlay {
  readonly #side: Side;
  readonly #script: Script;
  readonly #narrator: Narrator;
  readonly #options: { readonly bin: string; readonly seed: number };
  readonly #incidents = new Map<string, Known>();
  readonly #contained: Contained[] = [];
  readonly #revokedMs = new Map<string, number>();

  constructor(
    side: Side,
    script: Script,
    narrator: Narrator,
    options: { readonly bin: string; readonly seed: number },
  ) {
    this.#side = side;
    this.#script = script;
    this.#narrator = narrator;
    this.#options = options;
  }

  async play(): Promise<GuardedOutcome> {
    const { endMs, principals, calls, plan } = this.#script;
    const { bin, seed } = this.#options;
    const sink = await openSink();
    try {
      await this.#side.guard(bin, SETTINGS, BEGIN_MS);
      for (const organisation of this.#side.organisations) await this.#contact(organisation, sink);
      for (const who of principals) await this.#side.enrol(who);
      const chosen = await devicesOf(this.#side, this.#script, BEGIN_MS);
      const watcher: Watcher = { attempted: (attempt) => this.#attempted(attempt), day: this.#narrator.day };
      const run = new Run(this.#side, this.#script, watcher, seed);
      choose(run, chosen);
      const injected: DeviceResult[] = [];
      const acts = injectionOf(this.#side, this.#script, chosen, this.#narrator, injected);
      for (let atMs = BEGIN_MS + SHIFT_MS; atMs < endMs; atMs += SHIFT_MS) {
        acts.push({ atMs, run: (nowMs) => this.#look(nowMs) });
        acts.push({ atMs: atMs + NEW_KEY_AFTER_MS, run: () => this.#newKeys() });
      }
      const all = [...calls, ...plan.calls].sort((a, b) => a.timeMs - b.timeMs);
      await run.play(all, acts);
      const effects = await checkEffects(this.#side, bin);
      this.#narrator.effects(effects);
      const { attempts, calls: sent, refused } = run;
      return {
        ...{ attempts, injected, calls: sent, refused, effects },
        incidents: [...this.#incidents.values()],
        ...{
          contained: this.#contained,
          webhooks: sink.counts,
          journal: await countJournal(this.#side, bin, this.#script, this.#revokedMs),
        },
      };
    } finally {
      sink.server.closeAllConnections();
      sink.server.close();
    }
  }

  async #attempted(attempt: Attempt): Promise<void> {
    this.#narrator.attempt(attempt);
    for (const { plan, key, why } of await frozenByItself(this.#side, this.#frozen)) {
      this.#frozen.add(plan);
      this.#narrator.frozen(this.#side.keyIds.get(key) ?? key, why);
    }
  }
  readonly #frozen = new Set<string>();

  /** Every incident that is open: theft is contained and told; the owners know the others. */
  async #look(nowMs: number): Promise<void> {
    for (const incident of await openIncidents(this.#side)) {
      const theft = incident.trails.some((trail) => this.#isThiefs(trail));
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

  /** What the owner of a key knows: whether these calls were not all his own. */
  #isThiefs({ key, firstAt, lastAt, clients }: Trail): boolean {
    const { keyIds, firstIds } = this.#side;
    const [fromMs, toMs] = [Date.parse(firstAt) - MOMENT_MS, Date.parse(lastAt) + MOMENT_MS];
    const owner = keyIds.get(key);
    return (
      firstIds.has(key) &&
      this.#script.plan.calls.some(
        (call) =>
          call.key === owner && call.userAgent in clients && call.timeMs >= fromMs && call.timeMs <= toMs,
      )
    );
  }

  /** Whoever was told has a new key in his script. */
  async #newKeys(): Promise<void> {
    const left = [...this.#revokedMs.keys()].filter((key) => !this.#replaced.has(key));
    for (const key of left) {
      this.#replaced.add(key);
      const who = this.#script.principals.find((each) => each.key === this.#side.keyIds.get(key));
      if (who !== undefined) await this.#side.enrol(who, this.#replaced.size);
    }
  }
  readonly #replaced = new Set<string>();

  async #contact({ id, name }: { id: string; name: string }, { port, secret }: Sink): Promise<void> {
    const sealed = `hook-${id}`;
    await this.#side.admin('PUT', `/v1/sealed/${sealed}`, { upstream: '@webhooks', header: 'x', secret });
    const webhooks = [{ url: `http://127.0.0.1:${port}/${id}`, secrets: [sealed] }];
    await this.#side.admin('PUT', `/v1/tenants/${id}`, { name, contacts: { emails: [], webhooks } });
  }
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
