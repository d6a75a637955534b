import type { KeyRecord } from '../core/key.js';
import type { KeyStore } from '../engine/ports.js';
import type { Acts } from '../keys/acts.js';
import type { Fingerprints } from '../keys/fingerprint.js';
import { parseKey } from '../keys/format.js';
import { stateOf } from '../keys/state.js';

/** Something that looks like a key and was found where it should not be. */
export interface LeakReport {
  readonly token: string;
  /** Where: an address of a page or a commit; never used, only shown. */
  readonly url: string;
  /** Kind of place: commit, issue, wiki … */
  readonly source: string;
}

/** What it turned out to be. Never says more of a key than whoever holds it knows. */
export interface LeakFinding {
  readonly label: 'true_positive' | 'false_positive';
  readonly key?: string;
  readonly tenant?: string;
  /** It still worked when it was reported. */
  readonly live: boolean;
  /** What was done with it. */
  readonly measure: LeakMeasure;
}

/** What becomes of a live key that is reported. */
export type LeakMeasure = 'none' | 'freeze' | 'suspend' | 'revoke';

interface Parts {
  readonly store: Pick<KeyStore, 'keyByFingerprint'>;
  readonly acts: Acts;
  readonly fingerprints: Fingerprints;
  readonly upstreams: () => readonly string[];
  /** Contains one key; gives up with an error when that cannot be done. */
  readonly contain: (
    by: string,
    key: string,
    measure: Exclude<LeakMeasure, 'none'>,
    why: string,
  ) => Promise<void>;
}

const PLACE_CHARS_MAX = 500;
/** Reports that are remembered, so that a repeated one does nothing. */
const REPORTED_MAX = 100_000;

/** Leaked keys: is it ours, whose is it, does it still work, and off with it. Texts of keys are never kept. */
export class LeakIntake {
  readonly #parts: Parts;
  readonly #reported = new Set<string>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Takes one report. A repeated one is answered the same and does nothing more. */
  async report(by: string, { token, url, source }: LeakReport, measure: LeakMeasure): Promise<LeakFinding> {
    const key = this.#find(token);
    if (key === undefined) return { label: 'false_positive', live: false, measure: 'none' };
    const { acts } = this.#parts;
    const live = ['active', 'frozen', 'overlapping'].includes(stateOf(key, acts.now()));
    const place = `${source} ${url}`.slice(0, PLACE_CHARS_MAX);
    const done = live && !this.#already(key, measure) ? measure : 'none';
    const name = `${key.id} ${place}`;
    if (!this.#reported.has(name) || done !== 'none') {
      await acts.run(() => acts.record(by, 'leak.report', key.id, { place, live, measure: done }));
      if (this.#reported.size >= REPORTED_MAX) this.#reported.clear();
      this.#reported.add(name);
    }
    if (done !== 'none') await this.#parts.contain(by, key.id, done, `leaked: ${place}`);
    return { label: 'true_positive', key: key.id, tenant: key.tenant, live, measure: done };
  }

  #already(key: KeyRecord, measure: LeakMeasure): boolean {
    return measure === 'freeze' && key.frozen !== undefined;
  }

  /** Of our own format only with the right checksum; else a foreign or imported credential. */
  #find(token: string): KeyRecord | undefined {
    const { store, fingerprints, upstreams } = this.#parts;
    if (parseKey(token) !== undefined) return store.keyByFingerprint(fingerprints.issued(token));
    const candidates = [
      ...upstreams().map((upstream) => fingerprints.foreign(upstream, token)),
      fingerprints.importedOf('sha256', token),
      fingerprints.importedOf('sha512', token),
    ];
    for (const fingerprint of candidates) {
      const key = store.keyByFingerprint(fingerprint);
      if (key !== undefined) return key;
    }
    return undefined;
  }
}
