/** One observation as every detector of the comparison gets it. */
export interface EvalObservation {
  readonly timeMs: number;
  readonly key: string;
  readonly address: string;
  readonly prefix: string;
  readonly asn: string;
  readonly country: string;
  readonly userAgent: string;
  readonly operation: string;
  readonly privilege: number;
  readonly objects: readonly string[];
  readonly status: number | undefined;
  readonly bytesOut: number | undefined;
}

/** A detector: scores one observation, then learns it. Higher is more suspicious. */
export interface Scorer {
  score(observation: EvalObservation): number;
}
