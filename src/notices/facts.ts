/** What an incident meant for one tenant: what a notice is written from. Times in ms. */
export interface TenantFacts {
  readonly incident: string;
  readonly tenant: string;
  /** False: reset as a precaution, nothing was found. */
  readonly touched: boolean;
  readonly keys: readonly KeyFacts[];
  /**
   * Sentences for an untouched tenant: why we believe so ("no operation since T outside its own pattern; 0 of its
   * requests from the places of the incident").
   */
  readonly grounds: readonly string[];
}

export interface KeyFacts {
  readonly id: string;
  readonly name: string;
  readonly principal: string;
  /** Interval of the estimate. */
  readonly compromisedFromMs?: number;
  readonly compromisedLatestMs?: number;
  readonly lastMisuseMs?: number;
  readonly operations: readonly OperationFacts[];
  readonly objects: readonly ObjectFacts[];
  readonly bytesOut: number;
  readonly places: readonly string[];
  /** What was done with the key: revoked, suspended, frozen, rotated … */
  readonly measures: readonly { readonly act: string; readonly atMs: number; readonly receipt?: string }[];
}

export interface OperationFacts {
  readonly name: string;
  readonly privilege: number;
  readonly succeeded: number;
  readonly refused: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface ObjectFacts {
  readonly id: string;
  readonly effect: 'read' | 'changed' | 'created' | 'deleted';
  readonly count: number;
}
