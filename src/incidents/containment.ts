import { counted } from '../core/counted.js';
import type { IncidentStore, SealedCredential } from '../engine/ports.js';
import { ActFault, type Acts } from '../keys/acts.js';
import { unseal } from '../keys/seal.js';
import type { KeyService } from '../keys/service.js';
import { type Caller, callersOf, harmOf } from './callers.js';
import type { Habits } from './habits.js';
import { takeBack } from './measures.js';
import { PIECE_STEPS, type Plan, type PlanOptions, type Step, stepsOf } from './plan.js';
import { runSteps } from './plan-run.js';
import { keysIn, type Scope } from './scope.js';
import type { Findings, Incidents } from './service.js';

const DAY_MS = 86_400_000;
/** Pieces of a plan that are written in one transaction. */
const PIECES_AT_ONCE = 20;
/** Keys that the journal names of a plan; the plan has all. */
const NAMED_MAX = 1_000;

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
  /** Waves under way, by plan: at most one each. */
  readonly #runs = new Map<string, Promise<void>>();
  /** What suspects did before, by plan: asked of the journal once. */
  readonly #habits = new Map<string, Map<string, Habits>>();
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    for (const { plan, pieces } of parts.store.plans()) {
      const kept = { ...(plan as Omit<Plan, 'steps'>), steps: pieces.flat() as Step[] };
      this.#plans.set(kept.id, kept);
    }
  }

  /** Goes on with what was under way when the process ended. */
  resumeAll(): void {
    const nowMs = this.#parts.acts.now();
    for (const plan of this.#plans.values())
      if (plan.state === 'running') this.#schedule(plan, Math.max(0, (plan.nextWaveMs ?? 0) - nowMs));
  }

  list(): Plan[] {
    return [...this.#plans.values()].sort((a, b) => b.createdMs - a.createdMs);
  }

  show(id: string): Plan {
    const plan = this.#plans.get(id);
    if (plan === undefined) throw new ActFault('not_found', `There is no containment plan ${id}.`);
    return plan;
  }

  /** Whether a key was contained by somebody, whatever became of it since. */
  hasContained(by: string, key: string): boolean {
    for (const plan of this.#plans.values())
      if (plan.by === by && plan.steps.some((step) => step.key === key && step.before !== undefined))
        return true;
    return false;
  }

  /** Makes a plan and carries nothing out: a dry run unless it is started. */
  async plan(actor: string, scope: Scope, options: PlanOptions, keep = true): Promise<Plan> {
    const { acts } = this.#parts;
    const { keys, suspects, findings } = await keysIn(scope, this.#parts);
    if (keys.length === 0) throw new ActFault('conflict', 'There is no living key in this scope.');
    const nowMs = acts.now();
    const traffic = await this.#parts.incidents.traffic(nowMs - DAY_MS);
    const candidates = keys.map(({ id, tenant }) => ({
      ...{ key: id, tenant, suspect: suspects.has(id) },
      requestsPerDay: traffic.get(id) ?? 0,
    }));
    const plan: Plan = {
      ...{ id: this.#parts.newId(), createdMs: nowMs, by: actor, options },
      ...(scope.incident === undefined ? {} : { incident: scope.incident }),
      ...{ state: 'planned', wave: 1, steps: stepsOf(candidates, options.waveKeys) },
    };
    if (!keep) return plan;
    if (findings !== undefined) this.#habits.set(plan.id, habitsIn(findings));
    await this.#begin(plan, scope);
    return plan;
  }

  async #begin(plan: Plan, { keys, ...scope }: Scope): Promise<void> {
    const { measure, why } = plan.options;
    await this.#parts.acts.record(plan.by, 'containment.plan', plan.id, {
      ...{ measure, why, keys: plan.steps.length, ...scope },
      ...(keys === undefined ? {} : { named: keys.slice(0, NAMED_MAX) }),
    });
    this.#plans.set(plan.id, plan);
    await this.#keep(plan);
  }

  /**
   * Plans and carries out at once, in one go: for a key or a few. Asks for nobody's traffic: a thief would go on
   * meanwhile. A crash does not stop it.
   */
  async now(
    actor: string,
    keys: readonly string[],
    measure: PlanOptions['measure'],
    why: string,
    incident?: string,
  ): Promise<Plan> {
    const { keys: living } = await keysIn({ keys }, this.#parts);
    if (living.length === 0) throw new ActFault('conflict', 'There is no living key in this scope.');
    const candidates = living.map(({ id, tenant }) => ({
      key: id,
      tenant,
      suspect: true,
      requestsPerDay: 0,
    }));
    const waveKeys = living.length;
    const plan: Plan = {
      ...{ id: this.#parts.newId(), createdMs: this.#parts.acts.now(), by: actor, state: 'running', wave: 1 },
      ...(incident === undefined ? {} : { incident }),
      options: { measure, why, overlapSeconds: 0, waveKeys, gapSeconds: 0, errorsMax: 0 },
      steps: stepsOf(candidates, waveKeys),
    };
    await this.#begin(plan, { keys });
    await this.#run(plan);
    return plan;
  }

  /** Starts or resumes. */
  start(actor: string, id: string): Promise<Plan> {
    return this.#turn(actor, id, 'containment.start', ['planned', 'paused', 'stopped'], (plan) => {
      plan.state = 'running';
      // Whoever goes on after a stop has seen why: what failed until then does not stop it again.
      if (plan.stopped !== undefined) plan.accepted = harmOf(plan, this.#parts.keys);
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
    await this.#runs.get(id);
    await this.#parts.acts.record(actor, 'containment.undo', id);
    for (let piece = 0; piece * PIECE_STEPS < plan.steps.length; piece++) {
      const steps = plan.steps.slice(piece * PIECE_STEPS, (piece + 1) * PIECE_STEPS);
      for (const step of steps) await this.#takeBack(plan, step, actor);
      await this.#keep(plan, [piece]);
    }
    plan.state = 'undone';
    this.#habits.delete(id);
    await this.#remark(plan, actor, 'undone', plan.steps.length);
    await this.#keep(plan, []);
    return plan;
  }

  async #takeBack(plan: Plan, step: Step, actor: string): Promise<void> {
    if (step.state === 'waiting') step.state = 'skipped';
    if (step.state !== 'done') return;
    try {
      await takeBack(this.#parts.keys, actor, plan.options.measure, step);
      step.state = 'undone';
      delete step.successor;
    } catch (error) {
      step.note = `could not be undone: ${textOf(error)}`;
    }
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
      await acts.record(actor, 'containment.successors', id, {
        keys: steps.map(({ replacement }) => replacement),
      });
      const found = steps.map(({ key: old, replacement: key = '', successor }) => ({
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
    await Promise.allSettled(this.#runs.values());
  }

  #schedule(plan: Plan, delayMs: number): void {
    if (this.#closed) return;
    this.#unschedule(plan.id);
    this.#timers.set(
      plan.id,
      setTimeout(() => void this.#run(plan), delayMs),
    );
  }

  #unschedule(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  /** One wave after the other: a plan that is paused and started again must not run twice at once. */
  #run(plan: Plan): Promise<void> {
    const before = this.#runs.get(plan.id) ?? Promise.resolve();
    const run = before
      .then(() => this.#runWave(plan))
      .catch((error) => this.#stop(plan, `a wave failed: ${textOf(error)}`))
      .catch((error) => this.#parts.warn(`containment plan ${plan.id} could not be kept: ${textOf(error)}`))
      .finally(() => {
        if (this.#runs.get(plan.id) === run) this.#runs.delete(plan.id);
      });
    this.#runs.set(plan.id, run);
    return run;
  }

  async #runWave(plan: Plan): Promise<void> {
    const goesOn = ({ state }: Plan) => state === 'running' && !this.#closed;
    const problem = await runSteps(plan, {
      ...{ ...this.#parts, goesOn },
      habitsOf: (_, key) => this.#habitsOf(plan, key),
      keep: (_, pieces) => this.#keep(plan, pieces),
    });
    if (!goesOn(plan)) return;
    if (problem !== undefined) return this.#stop(plan, problem);
    const next = plan.steps.find(({ state }) => state === 'waiting');
    if (next === undefined) {
      plan.state = 'done';
      delete plan.nextWaveMs;
      this.#habits.delete(plan.id);
      const done = plan.steps.filter(({ state }) => state === 'done').length;
      await this.#remark(plan, plan.by, 'contained', done);
    } else {
      plan.wave = next.wave;
      const gapMs = plan.options.gapSeconds * 1000;
      plan.nextWaveMs = this.#parts.acts.now() + gapMs;
      this.#schedule(plan, gapMs);
    }
    return this.#keep(plan, []);
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
    await this.#keep(plan, []);
  }

  /** Some pieces of the steps, or all: the plan itself last, so that there is none without its steps. */
  async #keep(plan: Plan, pieces?: readonly number[]): Promise<void> {
    const { steps, ...rest } = plan;
    const wanted = pieces ?? Array.from({ length: Math.ceil(steps.length / PIECE_STEPS) }, (_, i) => i);
    const written = wanted.map(
      (piece) => [piece, steps.slice(piece * PIECE_STEPS, (piece + 1) * PIECE_STEPS)] as const,
    );
    let i = 0;
    for (; i + PIECES_AT_ONCE < written.length; i += PIECES_AT_ONCE)
      await this.#parts.store.writePlan(plan.id, undefined, new Map(written.slice(i, i + PIECES_AT_ONCE)));
    await this.#parts.store.writePlan(plan.id, rest, new Map(written.slice(i)));
  }

  /** Before the plan is kept: what a crash cuts off between the two is remarked again, and counts once. */
  async #remark({ id, incident, options }: Plan, by: string, act: 'contained' | 'undone', keys: number) {
    if (incident === undefined) return;
    const { incidents } = this.#parts;
    incidents.remark(
      incident,
      by,
      act,
      `${options.measure} of ${counted(keys, 'key')} (plan ${id}): ${options.why}`,
    );
    // What cannot be written now is tried again.
    await incidents.flush().catch(() => undefined);
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
      await this.#keep(plan, []);
      return plan;
    });
  }
}

function habitsIn({ radii }: Findings): Map<string, Habits> {
  return new Map(radii.map(({ key, habits }) => [key, habits]));
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
