import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { EXIT, type Order, OUTPUT_CHARACTERS_MAX } from '../agent-protocol.js';
import { readCommand } from './command-line.js';
import type { Sandbox } from './sandbox.js';

export interface Outcome {
  readonly exitCode: number;
  readonly output: string;
  readonly error: string;
}

const FOLDERS = ['/usr/bin', '/bin'];

/** Runs one command of the list, without a shell, in the sandbox. @param started told of the process group */
export async function runCommand(
  { command, timeoutMs }: Order,
  sandbox: Sandbox,
  programs: ReadonlySet<string>,
  signal: AbortSignal,
  started: (pid: number) => Promise<void>,
): Promise<Outcome> {
  const read = readCommand(command, programs);
  if ('refused' in read) return refusal(read.refused);
  for (const file of read.files) {
    if ((await sandbox.inside(file)) === undefined) return refusal(`${file} leads out of the sandbox`);
  }
  const program = FOLDERS.map((folder) => path.join(folder, read.program)).find((each) => existsSync(each));
  if (program === undefined)
    return { exitCode: EXIT.notFound, output: '', error: `${read.program} is not on this device` };
  // A group of its own, so that the limit ends its children too.
  const child = spawn(program, read.args, {
    ...{ cwd: sandbox.folder, env: {}, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  });
  const [output, error] = [new Bounded(), new Bounded()];
  child.stdout.on('data', (bytes: Buffer) => output.add(bytes));
  child.stderr.on('data', (bytes: Buffer) => error.add(bytes));
  const closed = new Promise<number | Error>((resolve) => {
    child.on('error', resolve);
    child.on('close', (code, by) => resolve(code ?? (by === null ? 1 : EXIT.interrupted)));
  });
  if (child.pid !== undefined) await started(child.pid);
  const limit = AbortSignal.timeout(timeoutMs);
  const stop = () => killGroup(child.pid);
  for (const each of [limit, signal]) {
    if (each.aborted) stop();
    each.addEventListener('abort', stop, { once: true });
  }
  const ended = await closed;
  for (const each of [limit, signal]) each.removeEventListener('abort', stop);
  if (ended instanceof Error) return { exitCode: EXIT.notFound, output: '', error: ended.message };
  if (limit.aborted && ended === EXIT.interrupted)
    return { exitCode: EXIT.timedOut, output: output.text(), error: `ended after ${timeoutMs} ms` };
  const halted = signal.aborted && ended === EXIT.interrupted;
  return { exitCode: ended, output: output.text(), error: halted ? 'ended by the device' : error.text() };
}

function refusal(why: string): Outcome {
  return { exitCode: EXIT.refused, output: '', error: `refused: ${why}` };
}

export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone by itself.
  }
}

/** Keeps the beginning and reads on, so that the program does not wait for a reader. */
class Bounded {
  readonly #parts: Buffer[] = [];
  #length = 0;

  add(bytes: Buffer): void {
    if (this.#length < OUTPUT_CHARACTERS_MAX) this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  text(): string {
    const text = Buffer.concat(this.#parts).toString('utf8').replaceAll('\0', '\ufffd');
    if (this.#length <= OUTPUT_CHARACTERS_MAX) return text;
    const note = '\n[cut]\n';
    return text.slice(0, OUTPUT_CHARACTERS_MAX - note.length) + note;
  }
}
