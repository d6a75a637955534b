import type { LogFormat } from '../../../wire/logs/formats.js';

const BAD_LINES_MAX = 100;
const REASONS_MAX = 100;

export interface BadLine {
  readonly file: string;
  /** 0 where the whole file is meant. */
  readonly line: number;
  readonly reason: string;
}

/** What was read, and what could not be. */
export class ReadReport {
  /** Of the files themselves. */
  bytes = 0;
  lines = 0;
  records = 0;
  /** Events that were there before, and were left out. */
  copies = 0;
  bad = 0;
  /** Records of logs that a catalog was there for, and those of them whose operation it names. */
  looked = 0;
  known = 0;
  readonly formats = new Map<string, LogFormat>();
  /** The first few. */
  readonly badLines: BadLine[] = [];
  readonly reasons = new Map<string, number>();
  /** Why logs that the user named could not be used. */
  readonly lost: string[] = [];

  refuse(file: string, line: number, reason: string): void {
    this.bad += 1;
    if (this.badLines.length < BAD_LINES_MAX) this.badLines.push({ file, line, reason });
    const count = this.reasons.get(reason);
    if (count !== undefined || this.reasons.size < REASONS_MAX) this.reasons.set(reason, (count ?? 0) + 1);
  }
}
