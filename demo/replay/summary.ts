import type { Replayed } from './outcome.js';
import type { Attempt } from './run.js';

/** One step of the thief, as it went on both sides. */
export interface Step {
  readonly timeMs: number;
  readonly wave: string;
  readonly tenant: string;
  readonly principal: string;
  readonly operation: string;
  readonly gain: string | undefined;
  readonly without: string;
  readonly with: string;
}

export interface Summary {
  readonly steps: readonly Step[];
  /** What he came for: label, times without the guard, times with it. */
  readonly gains: readonly { readonly what: string; readonly without: number; readonly with: number }[];
  /** Operations of privilege 3 and 4 that were done. */
  readonly privileged: { readonly without: number; readonly with: number; readonly tried: number };
  readonly calls: { readonly without: number; readonly with: number; readonly tried: number };
}

/** Pairs what happened on the two sides. */
export function summaryOf({ off, on, names, privilegeOf }: Replayed): Summary {
  const [without, guarded] = [ordered(off.attempts), ordered(on.attempts)];
  const steps = without.map((attempt, n): Step => {
    const { timeMs, wave, tenant, principal, operation, gain } = attempt.call;
    return {
      ...{ timeMs, wave, principal, operation, gain, tenant: names.get(tenant) ?? tenant },
      ...{ without: verdictOf(attempt), with: verdictOf(guarded[n]) },
    };
  });
  const labels = [...new Set(without.flatMap(({ call }) => call.gain ?? []))];
  const count = (attempts: readonly Attempt[], of: (attempt: Attempt) => boolean) =>
    attempts.filter((attempt) => succeeded(attempt) && of(attempt)).length;
  const both = (of: (attempt: Attempt) => boolean) => ({
    without: count(without, of),
    with: count(guarded, of),
  });
  const privileged = ({ call }: Attempt) => privilegeOf(call.operation) >= 3;
  return {
    steps,
    gains: labels.map((what) => ({ what, ...both(({ call }) => call.gain === what) })),
    privileged: { ...both(privileged), tried: without.filter(privileged).length },
    calls: { ...both(() => true), tried: without.length },
  };
}

/** What he got, in both columns, as the report lists it. */
export function gained({ off, on }: Replayed, { gains, privileged, calls }: Summary): Summary['gains'] {
  const injected = { without: off.injected.length, with: on.injected.length };
  return [
    ...gains,
    { what: 'privileged operations', ...privileged },
    { what: 'calls that succeeded', ...calls },
    ...(injected.without === 0 ? [] : [{ what: 'commands past every key', ...injected }]),
  ];
}

export function succeeded({ status }: Attempt): boolean {
  return status >= 200 && status < 400;
}

/** In a word or two. */
export function verdictOf(attempt: Attempt | undefined): string {
  if (attempt === undefined) return '';
  if (succeeded(attempt)) return 'done';
  const { reason, status } = attempt;
  if (reason === 'behaviour_held') return 'held';
  return reason === undefined ? `failed (${status})` : `refused: ${reason.replaceAll('_', ' ')}`;
}

function ordered(attempts: readonly Attempt[]): Attempt[] {
  return [...attempts].sort((a, b) => a.call.timeMs - b.call.timeMs || a.call.key.localeCompare(b.call.key));
}
