import { pino } from 'pino';
import { withoutKeys } from '../core/secret-text.js';

/** Structured logs; the first argument holds the facts, the second the sentence. */
export interface Log {
  debug(facts: object, text: string): void;
  info(facts: object, text: string): void;
  warn(facts: object, text: string): void;
  error(facts: object, text: string): void;
}

const SECRET_FIELDS = ['authorization', 'cookie', 'credential', 'token', 'secret', 'password', 'x-api-key'];

/**
 * JSON lines on standard error, one per event. Fields that hold secrets are removed by name, and whatever looks
 * like a key of ours is cut down to its id: a slip elsewhere does not become a leak.
 */
export function openLog(
  level: 'debug' | 'info' | 'warn' | 'error' | 'silent',
  write: (line: string) => void = (line) => process.stderr.write(line),
): Log & { level: string } {
  return pino(
    {
      level,
      base: undefined,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_FIELDS.flatMap((name) => [`["${name}"]`, `*["${name}"]`]),
        censor: '[redacted]',
      },
    },
    { write: (line: string) => write(withoutKeys(line)) },
  );
}

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
