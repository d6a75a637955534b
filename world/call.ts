/** One call of the world, with what it belongs to. */
export interface Call {
  readonly timeMs: number;
  readonly key: string;
  readonly tenant: string;
  readonly principal: string;
  readonly ip: string;
  readonly userAgent: string;
  /** Name in the catalog. */
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly latencyMs: number;
  /** The theft or the legitimate change that the call is part of. */
  readonly episode?: string;
}

/** A theft, or a change in an owner's life that looks like one and is none. */
export interface Episode {
  readonly id: string;
  readonly kind: 'theft' | 'legitimate';
  /** Of a theft: `abroad/take-over/hands-on`; of a change: `move-region`. */
  readonly what: string;
  /** Of a theft: abroad, same-cloud, own-network, or harvest. */
  readonly place?: string;
  readonly keys: readonly string[];
  readonly startMs: number;
}
