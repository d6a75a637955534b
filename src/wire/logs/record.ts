/**
 * One observation as a log tells it, whatever its format. Absent means that the log does not say; no field is
 * guessed. The outcome (status, bytes, latency) is part of the line.
 */
export interface LogRecord {
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** Of the event itself, where the log has one: a copy has the same. */
  readonly id?: string;
  /** The credential, or what stands for it: access key id, token id, client address of an anonymous log. */
  readonly key: string;
  readonly tenant?: string;
  /** The stable identity behind the key: it outlives a rotation. */
  readonly principal?: string;
  /** As written; not every format says an address here (an AWS service name, for example). */
  readonly address?: string;
  readonly userAgent?: string;
  readonly method?: string;
  /** Without the query. */
  readonly path?: string;
  /** Where the log names the operation itself, e.g. `iam.CreateAccessKey`. */
  readonly operation?: string;
  readonly objects?: readonly string[];
  readonly status?: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  readonly latencyMs?: number;
}
