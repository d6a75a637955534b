import type { Actor } from '../../detectors/contract.js';
import type { Detector } from '../../detectors/detector.js';
import { movedTo, type Symbols, withClientOf, withPlaceOf } from '../../detectors/symbols.js';

/** How the injected thief looks: as himself, with the victim's client, or from the victim's place and client. */
export const INJECTED = ['elsewhere', 'same client', 'own network'] as const;
export type Injected = (typeof INJECTED)[number];

const CALLS = 12;
/** One theft of each kind in so many observations. */
const EVERY = 97;
const KEYS_MAX = 10_000;
const VICTIM_CALLS_MIN = 50;
const PAUSE_MS = 20_000;

interface Victim {
  readonly key: string;
  /** The last ones. */
  readonly calls: readonly Symbols[];
}

/** What became of the injected thefts of one kind. */
export interface BackTestRow {
  readonly kind: Injected;
  readonly thefts: number;
  readonly found: number;
  /** Calls until the alarm, of those found. */
  readonly medianCalls: number | undefined;
}

/**
 * Thefts that never were, played on a recorded log: another key's last calls, as if a victim's key had made them. On
 * a copy of the victim's baseline, so the log is judged as if nothing had happened. Says what the detector would
 * find before anybody lets it block.
 */
export class BackTest {
  readonly #detector: Detector;
  readonly #recent = new Map<string, Symbols[]>();
  readonly #keys: string[] = [];
  readonly #rows = new Map(INJECTED.map((kind) => [kind, { thefts: 0, found: 0, calls: [] as number[] }]));
  #seen = 0;

  constructor(detector: Detector) {
    this.#detector = detector;
  }

  /** After the observation was judged and learned. */
  note({ key }: Actor, symbols: Symbols, threshold: number): void {
    const recent = this.#remember(key, symbols);
    this.#seen += 1;
    if (this.#seen % EVERY !== 0 || recent === undefined || recent.length < CALLS) return;
    const victim = this.#victim(key);
    if (victim === undefined) return;
    for (const kind of INJECTED) this.#play(kind, recent, victim, threshold);
  }

  get rows(): BackTestRow[] {
    return [...this.#rows].map(([kind, { thefts, found, calls }]) => ({
      ...{ kind, thefts, found },
      medianCalls: calls.sort((a, b) => a - b)[calls.length >> 1],
    }));
  }

  #play(kind: Injected, thief: readonly Symbols[], victim: Victim, threshold: number): void {
    const last = victim.calls.at(-1) as Symbols;
    const startMs = last.timeMs + PAUSE_MS;
    const calls = thief.map((each, n): Symbols => {
      const own = victim.calls[n % victim.calls.length] as Symbols;
      const call = { ...movedTo(each, startMs + n * PAUSE_MS), tenant: last.tenant };
      if (kind === 'elsewhere') return call;
      const disguised = withClientOf(call, own);
      return kind === 'own network' ? withPlaceOf(disguised, own) : disguised;
    });
    const first = this.#detector.rehearse(victim.key, calls).findIndex((evidence) => evidence >= threshold);
    const row = this.#rows.get(kind) as { thefts: number; found: number; calls: number[] };
    row.thefts += 1;
    if (first < 0) return;
    row.found += 1;
    row.calls.push(first + 1);
  }

  #remember(key: string, symbols: Symbols): Symbols[] | undefined {
    let recent = this.#recent.get(key);
    if (recent === undefined) {
      if (this.#recent.size >= KEYS_MAX) return undefined;
      recent = [];
      this.#recent.set(key, recent);
      this.#keys.push(key);
    }
    recent.push(symbols);
    if (recent.length > CALLS) recent.shift();
    return recent;
  }

  /** Another key with a past, chosen by the count of observations so that a run can be repeated. */
  #victim(thief: string): Victim | undefined {
    for (let n = 0; n < 8; n++) {
      const key = this.#keys[(this.#seen * 31 + n * 7) % this.#keys.length] as string;
      if (key !== thief && this.#detector.seen(key) >= VICTIM_CALLS_MIN)
        return { key, calls: this.#recent.get(key) as readonly Symbols[] };
    }
    return undefined;
  }
}
