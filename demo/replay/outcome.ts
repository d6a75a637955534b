import type { Contained, Incident } from './operator.js';
import type { Attempt, DeviceResult } from './run.js';
import type { Script } from './script.js';

/** What is told while it happens. */
export interface Narrator {
  named(names: ReadonlyMap<string, string>): void;
  cast(script: Script): void;
  side(guarded: boolean): void;
  day(timeMs: number, calls: number): void;
  attempt(attempt: Attempt): void;
  /** The guard has cut a key down to its habits, by itself. */
  frozen(key: string, why: string): void;
  incident(incident: Known, nowMs: number): void;
  contained(contained: Contained): void;
  injected(nowMs: number, results: readonly DeviceResult[]): void;
  effects(check: EffectsCheck): void;
}

/** An incident, and what its owners say of it. */
export interface Known extends Incident {
  readonly theft: boolean;
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
  readonly incidents: readonly Known[];
  readonly contained: readonly Contained[];
  readonly effects: EffectsCheck;
  readonly journal: JournalCounts;
  /** Webhooks that came with a good signature, and those that did not. */
  readonly webhooks: { readonly good: number; readonly bad: number };
}

/** Counted in the guard's own journal. */
export interface JournalCounts {
  readonly decisions: number;
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
