import { pino } from 'pino';

/** Structured logs; the first argument holds the facts, the second the sentence. */
export interface Log {
  debug(facts: object, text: string): void;
  info(facts: object, text: string): void;
  warn(facts: object, text: string): void;
  error(facts: object, text: string): void;
}

const KEY_TEXT = /kw_([a-z0-9]{1,16})_([0-9A-Za-z]{12})_[0-9A-Za-z]{38}/g;
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
    { write: (line: string) => write(line.replace(KEY_TEXT, 'kw_$1_$2_[redacted]')) },
  );
}

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
