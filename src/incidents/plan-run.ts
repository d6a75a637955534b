import type { Acts } from '../keys/acts.js';
import { seal, unseal } from '../keys/seal.js';
import type { KeyService } from '../keys/service.js';
import { limitPassed } from './callers.js';
import type { Habits } from './habits.js';
import { alreadySo, carryOut, reached } from './measures.js';
import { PIECE_STEPS, type Plan, type Step } from './plan.js';

/** How often a plan looks whether it has to stop, beside after each failure. */
const LOOK_MS = 500;

interface Parts {
  readonly keys: KeyService;
  readonly acts: Acts;
  /** Seals the credentials of successors until they are picked up. */
  readonly masterKey: Buffer;
  readonly habitsOf: (plan: Plan, key: string) => Promise<Habits>;
  /** Writes the plan and some pieces of its steps. */
  readonly keep: (plan: Plan, pieces: readonly number[]) => Promise<void>;
  /** Whether the plan is to go on with the next key. */
  readonly goesOn: (plan: Plan) => boolean;
}

/**
 * Carries out the steps of a wave so that a crash at any moment loses nothing: what is going to happen to a piece of the
 * keys is on disk before it does, and what came of it before the next piece.
 * @returns why the plan has to stop; undefined where it ran to the end of the wave, or was told not to go on
 */
export async function runSteps(plan: Plan, parts: Parts): Promise<string | undefined> {
  const pieces = new Map<number, Step[]>();
  plan.steps.forEach((step, i) => {
    if (step.wave !== plan.wave || step.state !== 'waiting') return;
    const piece = Math.floor(i / PIECE_STEPS);
    const steps = pieces.get(piece);
    if (steps === undefined) pieces.set(piece, [step]);
    else steps.push(step);
  });
  for (const [piece, steps] of pieces) {
    if (!parts.goesOn(plan)) return undefined;
    const problem = await runPiece(plan, piece, steps, parts);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

async function runPiece(
  plan: Plan,
  piece: number,
  steps: readonly Step[],
  parts: Parts,
): Promise<string | undefined> {
  const cutOff = new Set(steps.filter((step) => prepare(plan, step, parts)));
  await parts.keep(plan, [piece]);
  let problem: string | undefined;
  let lookedMs = performance.now();
  for (const step of steps) {
    if (problem !== undefined || !parts.goesOn(plan)) break;
    if (step.state === 'waiting') await runStep(plan, step, cutOff.has(step), parts);
    if (step.state !== 'failed' && performance.now() - lookedMs < LOOK_MS) continue;
    lookedMs = performance.now();
    problem = limitPassed(plan, parts.keys);
  }
  // Announced and not begun: a waiting step with a record before it would be taken for one that a crash cut off.
  for (const step of steps) if (step.state === 'waiting') forget(step);
  problem ??= limitPassed(plan, parts.keys);
  await parts.keep(plan, [piece]);
  return problem;
}

/** Notes what the key is before, and settles what a crash cut off. @returns whether it has to be finished */
function prepare(plan: Plan, step: Step, { keys, acts, masterKey }: Parts): boolean {
  const { measure } = plan.options;
  const now = keys.find(step.key);
  if (now === undefined) return false;
  if (step.before !== undefined && reached(measure, step, now)) {
    if (measure === 'narrow') step.narrowed = now.limits;
    Object.assign(step, { state: 'done', atMs: acts.now(), note: step.replacement ?? 'before a restart' });
    return false;
  }
  // The receipt of this revocation may be missing.
  if (measure === 'revoke' && step.before !== undefined && now.revoked !== undefined) return true;
  step.refusedBefore = keys.usage(step.key)?.refused ?? 0;
  step.before = now;
  if (measure !== 'rotate' || step.successor !== undefined || now.kind !== 'issued') return false;
  const { id, credential } = keys.mint(step.key);
  step.replacement = id;
  step.successor = seal(sealedAs(plan, id), credential, masterKey, acts.now());
  return false;
}

function forget(step: Step): void {
  delete step.before;
  delete step.refusedBefore;
  delete step.replacement;
  delete step.successor;
}

async function runStep(
  plan: Plan,
  step: Step,
  cutOff: boolean,
  { keys, acts, masterKey, habitsOf }: Parts,
): Promise<void> {
  const { measure } = plan.options;
  step.atMs = acts.now();
  try {
    const now = keys.show(step.key);
    const why = cutOff ? undefined : alreadySo(measure, now, acts.now());
    if (why !== undefined) {
      forget(step);
      Object.assign(step, { state: 'skipped', note: why });
      return;
    }
    if (!cutOff) step.before = now;
    const carriers = {
      ...{ keys, by: plan.by, habitsOf: (key: string) => habitsOf(plan, key) },
      minted: ({ replacement: id, successor }: Step) =>
        id === undefined || successor === undefined
          ? undefined
          : { id, credential: unseal(successor, masterKey) },
    };
    step.note = await carryOut(carriers, plan.options, step, now);
    step.state = 'done';
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const now = keys.find(step.key);
    const done = now !== undefined && reached(measure, step, now);
    if (!done) forget(step);
    Object.assign(step, { state: done ? 'done' : 'failed', note: text });
    if (done && step.replacement !== undefined) step.note = step.replacement;
  }
}

function sealedAs(plan: Plan, key: string) {
  return { name: `${plan.id} ${key}`, upstream: '', header: '', template: '' };
}
