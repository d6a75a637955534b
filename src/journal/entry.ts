import type { NetworkKind, Privilege } from '../core/observation.js';
import type { ReasonCode, Verdict } from '../core/verdict.js';

/** How a forwarded request ended. */
export interface Outcome {
  /** Upstream status; 0 when it gave none. */
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly latencyMs: number;
  /** Set when the exchange did not finish: why. */
  readonly aborted?: string;
  /** It was to be forwarded, and the upstream got no byte of it. */
  readonly unsent?: true;
  /** Id of the object that the request created, where the answer told it. */
  readonly created?: string;
}

/** One explained deviation: why a call was flagged, held or denied. */
export interface Finding {
  /** Nats; the threshold is the one in force at that moment. */
  readonly evidence: number;
  readonly threshold: number;
  readonly reasons: readonly { readonly term: string; readonly nats: number; readonly text: string }[];
  /** Nats by which each trait of the call is rare among all keys: what incidents are put together by. */
  readonly rarity?: {
    readonly network: number;
    readonly asn: number;
    readonly client: number;
    readonly operation: number;
  };
  /** The hold that was opened, or that this call was approved by. */
  readonly hold?: string;
  /** The key is to be frozen for it: the operator's action for an odd call of this privilege. */
  readonly freeze?: true;
}

/** One decision. Holds everything the decision was made from, so that it can be replayed; never a secret. */
export interface DecisionEntry {
  readonly kind: 'decision';
  readonly time: number;
  readonly request: string;
  readonly upstream: string;
  readonly method: string;
  readonly path: string;
  readonly operation: string;
  readonly privilege: Privilege;
  readonly address: string;
  readonly country?: string;
  readonly asn?: number;
  readonly network?: NetworkKind;
  readonly userAgent: string;
  /** Ids of what the request names. */
  readonly objects?: readonly string[];
  readonly bodyBytes?: number;
  /** Key, tenant and principal; absent when the credential is unknown. */
  readonly key?: string;
  readonly tenant?: string;
  readonly principal?: string;
  readonly decision: Verdict['decision'];
  readonly reason?: ReasonCode;
  /** Log-odds of an impostor from this call alone, where the key is known well enough. */
  readonly score?: number;
  /** The key has too few calls yet to be judged. */
  readonly warming?: true;
  /** Where the detector had something to say. */
  readonly finding?: Finding;
  /** Present when the exchange ended before the batch was sealed; otherwise an OutcomeEntry follows. */
  outcome?: Outcome;
}

/** The end of an exchange whose decision was sealed earlier. */
export interface OutcomeEntry {
  readonly kind: 'outcome';
  readonly time: number;
  readonly request: string;
  readonly key?: string;
  readonly outcome: Outcome;
}

/** An administrative act: who did what to what. */
export interface ActEntry {
  readonly kind: 'act';
  readonly time: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly detail?: Record<string, unknown>;
}

/** What the process itself has to say: started, stopped, recovered after a crash, journal gap. */
export interface SystemEntry {
  readonly kind: 'system';
  readonly time: number;
  readonly event: string;
  readonly detail?: Record<string, unknown>;
}

export type JournalEntry = DecisionEntry | OutcomeEntry | ActEntry | SystemEntry;
