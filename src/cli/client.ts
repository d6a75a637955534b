import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';

const DEFAULT_URL = 'http://127.0.0.1:7071';

/** The guard, or the way to it, refused: the text is for the person at the terminal. */
export class RefusedFault extends Error {
  override readonly name = 'RefusedFault';
}

interface Login {
  readonly url: string;
  readonly token: string;
}

function loginFile(): string {
  const home = process.env.XDG_CONFIG_HOME ?? path.join(os.homedir(), '.config');
  return path.join(home, 'keyward', 'login.json');
}

/** Keeps address and token for later commands, readable by their owner alone. */
export function saveLogin(login: Login): string {
  const file = loginFile();
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify(login)}\n`, { mode: 0o600 });
  return file;
}

function savedLogin(): Partial<Login> {
  try {
    return JSON.parse(readFileSync(loginFile(), 'utf8')) as Partial<Login>;
  } catch {
    return {};
  }
}

/** Calls the admin API. */
export class AdminClient {
  readonly url: string;
  readonly #token: string;

  constructor(login: Login) {
    this.url = login.url.replace(/\/+$/, '');
    this.#token = login.token;
  }

  get<T>(pathname: string, query: Record<string, string | number | undefined> = {}): Promise<T> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const text = new URLSearchParams(
      given.map(([name, value]): [string, string] => [name, String(value)]),
    ).toString();
    return this.#call('GET', text === '' ? pathname : `${pathname}?${text}`);
  }

  post<T>(pathname: string, body?: unknown): Promise<T> {
    return this.#call('POST', pathname, body);
  }

  put<T>(pathname: string, body: unknown): Promise<T> {
    return this.#call('PUT', pathname, body);
  }

  patch<T>(pathname: string, body: unknown): Promise<T> {
    return this.#call('PATCH', pathname, body);
  }

  async delete(pathname: string): Promise<void> {
    await this.#call('DELETE', pathname);
  }

  /** The answer as it is. */
  text(pathname: string): Promise<string> {
    return this.#send('GET', pathname);
  }

  async #call<T>(method: string, pathname: string, body?: unknown): Promise<T> {
    const text = await this.#send(method, pathname, body);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async #send(method: string, pathname: string, body?: unknown): Promise<string> {
    let response: Response;
    try {
      response = await fetch(`${this.url}${pathname}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      const { cause } = error as { cause?: { code?: string; message?: string } };
      const why = cause?.code ?? cause?.message ?? 'no connection';
      throw new RefusedFault(`No guard answers at ${this.url} (${why}); is it running, is --url right?`);
    }
    const text = await response.text();
    if (response.ok) return text;
    throw new RefusedFault(explain(response.status, text, this.url));
  }
}

/** A problem in words, one wrong field a line. */
function explain(status: number, text: string, url: string): string {
  let problem: { detail?: string; errors?: { field: string; message: string }[] };
  try {
    problem = JSON.parse(text) as typeof problem;
  } catch {
    return `${url} answered ${status}, and not as an admin API of Keyward does.`;
  }
  const lines = (problem.errors ?? []).map(({ field, message }) =>
    field === '' ? message : `${field}: ${message}`,
  );
  if (status === 401) return `${problem.detail ?? 'Not admitted.'} Run keyward login, or set KEYWARD_TOKEN.`;
  return lines.length > 0 ? lines.join('\n') : (problem.detail ?? `Refused with status ${status}.`);
}

export interface RemoteOptions {
  readonly url?: string;
  readonly json?: boolean;
}

/** A command that talks to a running guard. */
export function remoteCommand(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option('--url <url>', 'admin API (default: KEYWARD_URL, keyward login, http://127.0.0.1:7071)')
    .option('--json', 'the answer as JSON, for programs');
}

/** The token comes from KEYWARD_TOKEN or from `keyward login`, never from the command line. */
export function connect(options: RemoteOptions): AdminClient {
  const saved = savedLogin();
  const url = options.url ?? process.env.KEYWARD_URL ?? saved.url ?? DEFAULT_URL;
  const token = process.env.KEYWARD_TOKEN ?? saved.token;
  if (token === undefined || token === '')
    throw new RefusedFault('No operator token: run keyward login, or set KEYWARD_TOKEN.');
  return new AdminClient({ url, token });
}

export function loginUrl(options: RemoteOptions): string {
  return options.url ?? process.env.KEYWARD_URL ?? DEFAULT_URL;
}
