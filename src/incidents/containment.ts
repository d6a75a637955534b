import type { KeyRecord } from '../core/key.js';
import type { IncidentStore, SealedCredential } from '../engine/ports.js';
import { ActFault, type Acts } from '../keys/acts.js';
import { seal, unseal } from '../keys/seal.js';
import type { KeyService } from '../keys/service.js';
import { type Caller, callersOf, limitPassed } from './callers.js';
import type { Habits } from './habits.js';
import { type Carriers, carryOut, takeBack } from './measures.js';
import { type Plan, type PlanOptions, type Step, stepsOf } from './plan.js';
import type { Findings, Incidents } from './service.js';

const DAY_MS = 86_400_000;
/** Steps that are carried out before the plan is kept again. */
const KEEP_EVERY = 50;

/** Whom a plan is about; of several, all. */
export interface Scope {
  readonly incident?: string;
  readonly keys?: readonly string[];
  readonly tenant?: string;
  readonly all?: boolean;
}

interface Parts {
  readonly store: IncidentStore;
  readonly acts: Acts;
  readonly keys: KeyService;
  readonly incidents: Incidents;
  readonly newId: () => string;
  /** Seals the credentials of successors until they are picked up. */
  readonly masterKey: Buffer;
  /** Told when a plan stops by itself or a write fails. */
  readonly warn: (text: string) => void;
}

/** Containment in stages: planned, tried dry, carried out in waves, paused, resumed, stopped by itself, undone. */
export class Containment {
  readonly #parts: Parts;
  readonly #plans = new Map<string, Plan>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** What suspects did before, by plan: asked of the journal once. */
  readonly #habits = new Map<string, Map<string, Habits>>();
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    for (const kept of parts.store.plans()) this.#plans.set((kept as Plan).id, kept as Plan);
  }

  /** Goes on with what was under way when the process ended. */
  resumeAll(): void {
    for (const plan of this.#plans.values()) if (plan.state === 'running') this.#schedule(plan, 0);
  }

  list(): Plan[] {
    return [...this.#plans.values()].sort((a, b) => b.createdMs - a.createdMs);
  }

  show(id: string): Plan {
    const plan = this.#plans.get(id);
    if (plan === undefined) throw new ActFault('not_found', `There is no containment plan ${id}.`);
    return plan;
  }

  /** Makes a plan and carries nothing out: a dry run unless it is started. */
  async plan(actor: string, scope: Scope, options: PlanOptions, keep = true): Promise<Plan> {
    const { acts, store, newId } = this.#parts;
    const { keys, suspects, findings } = await this.#keysOf(scope);
    if (keys.length === 0) throw new ActFault('conflict', 'There is no living key in this scope.');
    const nowMs = acts.now();
    const traffic = await this.#parts.incidents.traffic(nowMs - DAY_MS);
    const candidates = keys.map(({ id, tenant }) => ({
      ...{ key: id, tenant, suspect: suspects.has(id) },
      requestsPerDay: traffic.get(id) ?? 0,
    }));
    const plan: Plan = {
      ...{ id: newId(), createdMs: nowMs, by: actor, options },
      ...(scope.incident === undefined ? {} : { incident: scope.incident }),
      ...{ state: 'planned', wave: 1, steps: stepsOf(candidates, options.waveKeys) },
    };
    if (!keep) return plan;
    if (findings !== undefined) this.#habits.set(plan.id, habitsIn(findings));
    await acts.record(actor, 'containment.plan', plan.id, {
      ...{ measure: options.measure, why: options.why, keys: plan.steps.length, ...scope },
    });
    this.#plans.set(plan.id, plan);
    await store.writePlan(plan.id, plan);
    return plan;
  }

  /** Plans and carries out at once, in one go: for a key or a few. */
  async now(
    actor: string,
    keys: readonly string[],
    measure: PlanOptions['measure'],
    why: string,
  ): Promise<Plan> {
    const plan = await this.plan(
      actor,
      { keys },
      { measure, why, overlapSeconds: 0, waveKeys: Math.max(1, keys.length), gapSeconds: 0, errorsMax: 0 },
    );
    plan.state = 'running';
    await this.#runWave(plan);
    return plan;
  }

  /** Starts or resumes. */
  start(actor: string, id: string): Promise<Plan> {
    return this.#turn(actor, id, 'containment.start', ['planned', 'paused', 'stopped'], (plan) => {
      plan.state = 'running';
      delete plan.stopped;
      this.#schedule(plan, 0);
    });
  }

  pause(actor: string, id: string): Promise<Plan> {
    return this.#turn(actor, id, 'containment.pause', ['running'], (plan) => {
      plan.state = 'paused';
      this.#unschedule(id);
    });
  }

  /** Takes back what can be: a revoked key stays revoked, and a plan of revocations says so. */
  async undo(actor: string, id: string): Promise<Plan> {
    const plan = this.show(id);
    if (plan.options.measure === 'revoke')
      throw new ActFault('conflict', 'A revocation cannot be undone; issue new keys.');
    if (plan.state === 'running') await this.pause(actor, id);
    await this.#parts.acts.record(actor, 'containment.undo', id);
    for (const step of plan.steps) {
      if (step.state === 'waiting') step.state = 'skipped';
      if (step.state !== 'done') continue;
      try {
        await takeBack(this.#parts.keys, actor, plan.options.measure, step);
        step.state = 'undone';
      } catch (error) {
        step.note = `could not be undone: ${textOf(error)}`;
      }
    }
    plan.state = 'undone';
    this.#remark(plan, actor, 'undone', `${plan.options.measure} of ${plan.steps.length} keys`);
    await this.#keep(plan);
    return plan;
  }

  /** Who still calls with keys that the plan has contained, the busiest first. */
  callers(id: string): Caller[] {
    return callersOf(this.show(id), this.#parts.keys);
  }

  /** Hands over the credentials that rotations made, each once. */
  successors(actor: string, id: string): Promise<{ old: string; key: string; credential: string }[]> {
    const { acts, masterKey } = this.#parts;
    return acts.run(async () => {
      const plan = this.show(id);
      const steps = plan.steps.filter(({ successor, state }) => successor !== undefined && state === 'done');
      await acts.record(actor, 'containment.successors', id, { keys: steps.map(({ note }) => note) });
      const found = steps.map(({ key: old, note: key = '', successor }) => ({
        ...{ old, key },
        credential: unseal(successor as SealedCredential, masterKey),
      }));
      for (const step of steps) delete step.successor;
      await this.#keep(plan);
      return found;
    });
  }

  /** Waits for what is under way and starts nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const id of [...this.#timers.keys()]) this.#unschedule(id);
    await Promise.all(
      [...this.#plans.values()].filter(({ state }) => state === 'running').map((plan) => this.#keep(plan)),
    );
  }

  #schedule(plan: Plan, delayMs: number): void {
    if (this.#closed) return;
    this.#unschedule(plan.id);
    this.#timers.set(
      plan.id,
      setTimeout(() => {
        this.#runWave(plan).catch((error) => this.#stop(plan, `a wave failed: ${textOf(error)}`));
      }, delayMs),
    );
  }

  #unschedule(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  async #runWave(plan: Plan): Promise<void> {
    const steps = plan.steps.filter(({ wave, state }) => wave === plan.wave && state === 'waiting');
    for (const [i, step] of steps.entries()) {
      if (plan.state !== 'running' || this.#closed) return this.#keep(plan);
      await this.#carryOut(plan, step);
      if ((i + 1) % KEEP_EVERY === 0) await this.#keep(plan);
      const problem = limitPassed(plan, this.#parts.keys);
      if (problem !== undefined) return this.#stop(plan, problem);
    }
    const next = plan.steps.find(({ state }) => state === 'waiting');
    if (next === undefined) {
      plan.state = 'done';
      delete plan.nextWaveMs;
      const done = plan.steps.filter(({ state }) => state === 'done').length;
      this.#remark(plan, plan.by, 'contained', `${plan.options.measure} of ${done} keys (plan ${plan.id})`);
    } else {
      plan.wave = next.wave;
      const gapMs = plan.options.gapSeconds * 1000;
      plan.nextWaveMs = this.#parts.acts.now() + gapMs;
      this.#schedule(plan, gapMs);
    }
    return this.#keep(plan);
  }

  /** One key. What it already is counts as done, so that a plan can be started again after a crash. */
  async #carryOut(plan: Plan, step: Step): Promise<void> {
    const { keys, acts } = this.#parts;
    try {
      const before = keys.show(step.key);
      if (before.revoked !== undefined) {
        Object.assign(step, { state: 'skipped', note: 'was revoked already', atMs: acts.now() });
        return;
      }
      step.before = before;
      step.refusedBefore = keys.usage(step.key)?.refused ?? 0;
      step.note = await carryOut(this.#carriers(plan, step), plan.options, step.key, before);
      step.state = 'done';
    } catch (error) {
      step.state = 'failed';
      step.note = textOf(error);
    }
    step.atMs = acts.now();
  }

  #carriers(plan: Plan, step: Step): Carriers {
    const { keys, masterKey, acts } = this.#parts;
    return {
      ...{ keys, by: plan.by },
      habitsOf: (key) => this.#habitsOf(plan, key),
      onSuccessor: ({ key, credential }) => {
        step.successor = seal(sealedAs(plan, key.id), credential, masterKey, acts.now());
      },
    };
  }

  async #habitsOf(plan: Plan, key: string): Promise<Habits> {
    let habits = this.#habits.get(plan.id);
    if (habits === undefined) {
      const keys = plan.steps.map((step) => step.key);
      const found = await this.#parts.incidents.investigateKeys(keys, plan.createdMs);
      habits = habitsIn(found);
      this.#habits.set(plan.id, habits);
    }
    return habits.get(key) ?? { calls: 0, operations: [], networks: [], asns: [] };
  }

  async #stop(plan: Plan, why: string): Promise<void> {
    plan.state = 'stopped';
    plan.stopped = why;
    this.#parts.warn(`containment plan ${plan.id} stopped: ${why}`);
    await this.#keep(plan);
  }

  #keep(plan: Plan): Promise<void> {
    return this.#parts.store.writePlan(plan.id, plan);
  }

  #remark(plan: Plan, by: string, act: 'contained' | 'undone', why: string): void {
    if (plan.incident !== undefined) this.#parts.incidents.remark(plan.incident, by, act, why);
  }

  #turn(
    actor: string,
    id: string,
    action: string,
    from: readonly Plan['state'][],
    change: (plan: Plan) => void,
  ): Promise<Plan> {
    return this.#parts.acts.run(async () => {
      const plan = this.show(id);
      if (!from.includes(plan.state)) throw new ActFault('conflict', `The plan ${id} is ${plan.state}.`);
      await this.#parts.acts.record(actor, action, id);
      change(plan);
      await this.#keep(plan);
      return plan;
    });
  }

  async #keysOf(
    scope: Scope,
  ): Promise<{ keys: KeyRecord[]; suspects: Set<string>; findings: Findings | undefined }> {
    const { keys: service, incidents } = this.#parts;
    const findings = scope.incident === undefined ? undefined : await incidents.investigate(scope.incident);
    const suspects = new Set([...(scope.keys ?? []), ...(findings?.set.contain.map(({ key }) => key) ?? [])]);
    for (const key of scope.keys ?? []) service.show(key);
    const wanted = ({ id, tenant, revoked }: KeyRecord) =>
      revoked === undefined && (scope.all === true || suspects.has(id) || tenant === scope.tenant);
    return { keys: service.list({ where: wanted }), suspects, findings };
  }
}

function sealedAs(plan: Plan, key: string) {
  return { name: `${plan.id} ${key}`, upstream: '', header: '', template: '' };
}

function habitsIn({ radii }: Findings): Map<string, Habits> {
  return new Map(radii.map(({ key, habits }) => [key, habits]));
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
