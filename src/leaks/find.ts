import { spawn } from 'node:child_process';
import { createReadStream, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { type KeyParts, parseKey } from '../keys/format.js';

/** A key of our own format, with the right checksum, in a text. */
export interface FoundKey extends KeyParts {
  /** A file, or `commit:path` of the history. */
  readonly where: string;
  readonly line: number;
}

const CANDIDATE = /kw_[a-z0-9]{1,16}_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}(?![0-9A-Za-z])/g;
/** What may be cut between two pieces of a file: longer than any key. */
const OVERLAP_CHARS = 128;
const SKIPPED = new Set(['.git', 'node_modules']);

/** Files that were looked at, and those that could not be read. */
export interface SearchReport {
  files: number;
  blobs: number;
  readonly unreadable: string[];
}

/** Finds keys in files, and in every version of them in the git history. Offline; reads in pieces. */
export async function* findKeys(
  from: string,
  report: SearchReport,
  history: boolean,
): AsyncGenerator<FoundKey> {
  const info = statSync(from);
  if (!info.isDirectory()) {
    yield* inFile(from, report);
    return;
  }
  for (const name of readdirSync(from, { recursive: true, encoding: 'utf8' }).sort()) {
    if (name.split(path.sep).some((part) => SKIPPED.has(part))) continue;
    const file = path.join(from, name);
    if (isFile(file)) yield* inFile(file, report);
  }
  if (history) yield* inHistory(from, report);
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

async function* inFile(file: string, report: SearchReport): AsyncGenerator<FoundKey> {
  report.files += 1;
  const text = new Pieces(file);
  try {
    for await (const chunk of createReadStream(file, { encoding: 'latin1', highWaterMark: 1 << 20 }))
      yield* text.push(chunk as string);
    yield* text.end();
  } catch {
    report.unreadable.push(file);
  }
}

/** Looks through text that comes in pieces. */
class Pieces {
  readonly #where: string;
  #carry = '';
  #line = 1;

  constructor(where: string) {
    this.#where = where;
  }

  push(piece: string): FoundKey[] {
    return this.#look(this.#carry + piece, false);
  }

  end(): FoundKey[] {
    return this.#look(this.#carry, true);
  }

  #look(text: string, last: boolean): FoundKey[] {
    const end = last ? text.length : Math.max(0, text.length - OVERLAP_CHARS);
    const found: FoundKey[] = [];
    let counted = 0;
    for (const match of text.matchAll(CANDIDATE)) {
      // What begins in the carried part is looked at with the next piece.
      if (match.index >= end) break;
      const parts = parseKey(match[0]);
      if (parts === undefined) continue;
      this.#line += newlines(text, counted, match.index);
      counted = match.index;
      found.push({ ...parts, where: this.#where, line: this.#line });
    }
    this.#line += newlines(text, counted, end);
    this.#carry = text.slice(end);
    return found;
  }
}

function newlines(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

/** Every blob that any commit reaches, each once; where git is missing or there is no repository, nothing. */
async function* inHistory(dir: string, report: SearchReport): AsyncGenerator<FoundKey> {
  const paths = new Map<string, string>();
  for await (const line of linesOf(['-C', dir, 'rev-list', '--objects', '--all', '--', '.'])) {
    const space = line.indexOf(' ');
    if (space > 0) paths.set(line.slice(0, space), line.slice(space + 1));
  }
  if (paths.size === 0) return;
  const git = spawn('git', ['-C', dir, 'cat-file', '--batch'], { stdio: ['pipe', 'pipe', 'ignore'] });
  git.on('error', () => undefined);
  git.stdin.on('error', () => undefined);
  git.stdin.end([...paths.keys()].join('\n').concat('\n'));
  let rest = Buffer.alloc(0);
  let open: { left: number; text: Pieces | undefined } | undefined;
  for await (const chunk of git.stdout) {
    rest = rest.length === 0 ? (chunk as Buffer<ArrayBuffer>) : Buffer.concat([rest, chunk as Buffer]);
    for (;;) {
      if (open === undefined) {
        const end = rest.indexOf(10);
        if (end < 0) break;
        const [id = '', type = '', size = '0'] = rest.toString('latin1', 0, end).split(' ');
        rest = rest.subarray(end + 1);
        if (type === 'missing') continue;
        const text = type === 'blob' ? new Pieces(`${id.slice(0, 12)}:${paths.get(id) ?? ''}`) : undefined;
        if (text !== undefined) report.blobs += 1;
        open = { left: Number(size), text };
      }
      const some = rest.subarray(0, open.left);
      open.left -= some.length;
      rest = rest.subarray(some.length);
      if (open.text !== undefined) yield* open.text.push(some.toString('latin1'));
      // A newline follows each object.
      if (open.left > 0 || rest.length === 0) break;
      if (open.text !== undefined) yield* open.text.end();
      rest = rest.subarray(1);
      open = undefined;
    }
  }
}

async function* linesOf(args: readonly string[]): AsyncGenerator<string> {
  const git = spawn('git', [...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise((resolve) => {
    git.once('error', resolve);
    git.once('close', resolve);
  });
  let rest = '';
  for await (const chunk of git.stdout) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
  await ended;
}
