import type { KeyRecord } from '../core/key.js';
import type { SealedCredential } from '../engine/ports.js';

/** What is done to a key, mildest first. */
export const MEASURES = ['freeze', 'narrow', 'suspend', 'rotate', 'revoke'] as const;
/** Steps that are kept together. */
export const PIECE_STEPS = 50;
export type Measure = (typeof MEASURES)[number];

/** How a plan is carried out. */
export interface PlanOptions {
  readonly measure: Measure;
  readonly why: string;
  /** Of rotations: how long old and new key both work. */
  readonly overlapSeconds: number;
  /** Keys in a wave, but for the first, which holds all suspects. */
  readonly waveKeys: number;
  /** Between two waves. */
  readonly gapSeconds: number;
  /** Steps that may fail before the plan stops by itself. */
  readonly errorsMax: number;
  /** Calls with contained keys that may be refused before it stops; absent: any number. */
  readonly refusedMax?: number;
}

export interface Step {
  readonly key: string;
  readonly tenant: string;
  readonly wave: number;
  readonly risk: string;
  /** Requests in the day before the plan was made. */
  readonly requestsPerDay: number;
  state: 'waiting' | 'done' | 'failed' | 'undone' | 'skipped';
  atMs?: number;
  /** What replaces the key: kept before it is made, so that a crash cannot lose it. */
  replacement?: string;
  /** Its text, sealed, until somebody picks it up. */
  successor?: SealedCredential;
  /** Why it failed, was skipped, or what replaces the key. */
  note?: string;
  /** Refused calls of the key when its step was done: later ones are of who has not moved. */
  refusedBefore?: number;
  /** The record before, for an undo. A waiting step that has one was cut off by a crash. */
  before?: KeyRecord;
  /** What a narrowing set: an undo touches nothing else. */
  narrowed?: KeyRecord['limits'];
}

export type PlanState = 'planned' | 'running' | 'paused' | 'stopped' | 'done' | 'undone';

/** Measures in waves. */
export interface Plan {
  readonly id: string;
  readonly createdMs: number;
  readonly by: string;
  readonly incident?: string;
  readonly options: PlanOptions;
  state: PlanState;
  /** Why it stopped. */
  stopped?: string;
  /** Failures and refused calls that an operator saw and went on with. */
  accepted?: { readonly failed: number; readonly refused: number };
  /** The wave that is under way or comes next. */
  wave: number;
  nextWaveMs?: number;
  readonly steps: Step[];
}

/** A key that a plan may be about. */
export interface Candidate {
  readonly key: string;
  readonly tenant: string;
  readonly suspect: boolean;
  readonly requestsPerDay: number;
}

/**
 * Steps in waves by risk: suspects at once; then the other keys of touched tenants; then everybody else, the quietest keys
 * first, so that what goes wrong is noticed where it hurts least.
 */
export function stepsOf(candidates: readonly Candidate[], waveKeys: number): Step[] {
  const touched = new Set(candidates.filter(({ suspect }) => suspect).map(({ tenant }) => tenant));
  const ordered = candidates
    .map((each) => ({ ...each, rank: each.suspect ? 0 : touched.has(each.tenant) ? 1 : 2 }))
    .sort(
      (a, b) =>
        a.rank - b.rank ||
        a.requestsPerDay - b.requestsPerDay ||
        (a.key < b.key ? -1 : Number(a.key > b.key)),
    );
  const risks = ['suspect', 'of a touched tenant', 'precaution'];
  let wave = 0;
  let inWave = 0;
  let lastRank = -1;
  return ordered.map((candidate): Step => {
    const now = candidate.rank;
    if (now !== lastRank || (now > 0 && inWave >= waveKeys)) {
      wave += 1;
      inWave = 0;
      lastRank = now;
    }
    inWave += 1;
    const { key, tenant, requestsPerDay } = candidate;
    return { key, tenant, wave, risk: risks[now] as string, requestsPerDay, state: 'waiting' };
  });
}

/** What each wave hits. */
export interface WaveView {
  readonly wave: number;
  readonly risk: string;
  readonly keys: number;
  readonly tenants: readonly string[];
  readonly requestsPerDay: number;
  readonly done: number;
  readonly failed: number;
  /** What was so already, or was given up. */
  readonly skipped: number;
}

export function wavesOf(steps: readonly Step[]): WaveView[] {
  const waves = new Map<number, Step[]>();
  for (const step of steps) {
    const members = waves.get(step.wave);
    if (members === undefined) waves.set(step.wave, [step]);
    else members.push(step);
  }
  return [...waves].map(([wave, members]) => ({
    wave,
    risk: members[0]?.risk ?? '',
    keys: members.length,
    tenants: [...new Set(members.map(({ tenant }) => tenant))],
    requestsPerDay: members.reduce((sum, each) => sum + each.requestsPerDay, 0),
    done: members.filter(({ state }) => state === 'done').length,
    failed: members.filter(({ state }) => state === 'failed').length,
    skipped: members.filter(({ state }) => state === 'skipped').length,
  }));
}
