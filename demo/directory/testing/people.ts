import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Secret, TOTP } from 'otpauth';
import { systemPorts } from '../ids.js';
import type { DirectoryEvent, JsonObject } from '../model.js';
import { type Seeded, seedDirectory } from '../seed.js';
import { startDirectory } from '../server.js';
import { DirectoryStore } from '../store.js';

export const PASSWORD = 'correct horse battery';
/** An idle connection may be closed just as it is used again, and what is not a GET is not sent twice. */
const ONE_CALL = { connection: 'close' } as const;

export interface Person {
  readonly id: string;
  readonly email: string;
}

/** A seeded directory on a port, with a clock that the test moves. */
export interface PeopleDirectory {
  readonly dir: string;
  /** Where it listens. */
  readonly url: string;
  readonly origin: string;
  readonly seeded: Seeded;
  readonly store: DirectoryStore;
  readonly clock: { aheadMs: number; now(): number };
  /** With the key of an organisation's highest administrator. */
  api(
    method: string,
    path: string,
    body?: unknown,
    n?: number,
  ): Promise<{ status: number; json: JsonObject }>;
  /** A new user who has a password and no second factor. */
  newUser(name: string, n?: number): Promise<Person>;
  /** A new application of the first organisation, open to these users. */
  newApplication(body: JsonObject, ...users: readonly Person[]): Promise<JsonObject>;
  events(type: string, n?: number): DirectoryEvent[];
  close(): Promise<void>;
}

/** @param own under which name browsers find it, if not its own */
export async function peopleDirectory(own: { readonly origin?: string } = {}): Promise<PeopleDirectory> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'directory-people-'));
  const store = DirectoryStore.open(dir);
  const clock = { aheadMs: 0, now: () => Date.now() + clock.aheadMs };
  const seeded = await seedDirectory(store, { seed: 7, organisations: 2, users: 6 });
  const ports = { ...systemPorts(), now: clock.now };
  const options = { port: 0, ports, behindProxy: true, deviceIntervalMs: 1_000, ...own };
  const running = await startDirectory(store, options);
  const base = `http://localhost:${running.port}`;
  const organizations = [...new Set(seeded.keys.map((key) => key.organization))];
  const api = async (method: string, url: string, body?: unknown, n = 0) => {
    const key = seeded.keys.find((each) => each.organization === organizations[n])?.apiKey ?? '';
    const response = await fetch(base + url, {
      ...{ method, headers: { 'x-api-key': key, ...ONE_CALL } },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: (text === '' ? {} : JSON.parse(text)) as JsonObject };
  };
  const must = async (method: string, url: string, body: unknown, n?: number) => {
    const { status, json } = await api(method, url, body, n);
    if (status >= 300) throw new Error(`${method} ${url}: ${status} ${JSON.stringify(json)}`);
    return json;
  };
  return {
    ...{ dir, url: base, origin: running.origin, seeded, store, clock, api },
    newUser: async (name, n) => {
      const email = `${name}@people.example`;
      const { id } = await must('POST', '/api/systemusers', { username: `u.${name}`, email }, n);
      await must('POST', `/api/systemusers/${id}/password`, { password: PASSWORD }, n);
      return { id: String(id), email };
    },
    newApplication: async (body, ...users) => {
      const made = await must('POST', '/api/applications', body);
      for (const { id } of users) {
        const tie = { op: 'add', type: 'application', id: made.id };
        await must('POST', `/api/v2/users/${id}/associations`, tie);
      }
      return made;
    },
    events: (type, n = 0) =>
      store
        .tenant(organizations[n] ?? '')
        .events({ from: '2020-01-01', to: '2100-01-01' })
        .filter((event) => event.event_type === type),
    close: async () => {
      await running.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The code an app would show for this key. */
export function codeOf(secret: string, now: number): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: now });
}

export interface Seen {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A browser without a window: it keeps cookies, and sends forms as a page of the directory would. */
export class Visitor {
  readonly #origin: string;
  readonly ip: string;
  readonly cookies = new Map<string, string>();

  constructor(origin: string, ip = '203.0.113.1') {
    this.#origin = origin;
    this.ip = ip;
  }

  async send(
    method: string,
    url: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<Seen> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(new URL(url, this.#origin), {
      ...{ method, redirect: 'manual' },
      headers: { cookie, 'x-forwarded-for': this.ip, 'user-agent': 'Firefox/128.0', ...ONE_CALL, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    for (const each of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(each) ?? [];
      if (/max-age=0/i.test(each) || value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** Follows redirects within the directory, and pages that lead on. */
  async get(url: string): Promise<Seen & { url: string }> {
    let at = url;
    for (let n = 0; n < 12; n++) {
      const seen = await this.send('GET', at);
      const next = seen.headers.get('location') ?? metaTarget(seen.text);
      if (next === undefined || !new URL(next, this.#origin).href.startsWith(this.#origin))
        return { ...seen, url: next ?? at };
      at = next;
    }
    throw new Error(`${url} leads round in circles.`);
  }

  /** Loads the page that has the form, and sends it back with the fields. */
  async submit(
    page: string,
    fields: Record<string, string>,
    action = page.split('?')[0] ?? '',
  ): Promise<Seen> {
    const { text } = await this.get(page);
    return this.post(action, { ...hiddenFields(text, action), ...fields });
  }

  post(action: string, fields: Record<string, string>, origin = this.#origin): Promise<Seen> {
    const headers = { origin, 'content-type': 'application/x-www-form-urlencoded' };
    return this.send('POST', action, headers, new URLSearchParams(fields).toString());
  }

  logIn(email: string, password = PASSWORD, path = '/login'): Promise<Seen> {
    return this.submit(path, { email, password });
  }
}

export function metaTarget(text: string): string | undefined {
  const target = /http-equiv="refresh" content="0;url=([^"]+)"/.exec(text)?.[1];
  return target?.replaceAll('&amp;', '&');
}

export function hiddenFields(text: string, action: string): Record<string, string> {
  const form = text.split('<form').find((each) => each.includes(`action="${action}"`)) ?? '';
  const inputs = form.split('</form>')[0]?.matchAll(/type="hidden" name="([^"]+)"\s+value="([^"]*)"/g) ?? [];
  return Object.fromEntries([...inputs].map(([, name, value]) => [name ?? '', value ?? '']));
}
