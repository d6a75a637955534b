import { printable } from './printable.js';

/** Says what went wrong, for people: never a stack trace. */
export function report(error: unknown): void {
  // A message may name what a log or a file name says: it must not steer the terminal.
  const lines = explain(error).split('\n');
  console.error(`keyward: ${lines.map(printable).join('\n')}`);
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') {
    const { address, port } = error as unknown as { address: string; port: number };
    return `${address}:${port} is in use by another program; choose another port.`;
  }
  return error.message;
}

/** Somebody named another folder than the guard's. */
export function noJournal(dir: string): Error {
  return new Error(`There is no journal in ${dir}: is this the data directory of the guard?`);
}
