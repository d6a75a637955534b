import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Principal } from '../../world/principals.js';
import { DAY_MS } from '../../world/traffic.js';
import { type Answer, ask } from './ask.js';
import { newCredential, type Organisation, readOrganisation } from './cast.js';
import { type GuardAt, type Program, startAgent, startDirectory, startGuard } from './processes.js';

interface SeededKeys {
  readonly keys: readonly { readonly organization: string; readonly role: string; readonly apiKey: string }[];
  readonly connectKeys: Readonly<Record<string, string>>;
}

/** One call as it is sent: a principal's, or a thief's with its key. */
export interface Sent {
  /** The principal's key in the world. */
  readonly key: string;
  readonly ip: string;
  readonly userAgent: string;
  readonly method: string;
  readonly path: string;
}

/** The directory, with or without the guard in front of it: the same programs, the same data, the same clock. */
export class Side {
  readonly dir: string;
  readonly organisations: readonly Organisation[];
  readonly #programs: Program[] = [];
  readonly #agents: Program[] = [];
  readonly #url: string;
  readonly #inside: { readonly url: string; readonly token: string };
  #guard: GuardAt | undefined;
  /** Of each principal's key in the world: what is presented. */
  readonly #credentials = new Map<string, string>();
  /** What a thief has of it: the first one, whatever the owner gets later. */
  readonly #stolen = new Map<string, string>();
  /** Of each key of the guard: whose it is, by his key in the world. */
  readonly keyIds = new Map<string, string>();
  /** Keys of the guard that a thief may have: each owner's first. */
  readonly firstIds = new Set<string>();

  private constructor(
    dir: string,
    at: { url: string; inside: { url: string; token: string } },
    directory: Program,
    organisations: readonly Organisation[],
  ) {
    this.dir = dir;
    this.#url = at.url;
    this.#inside = at.inside;
    this.#programs.push(directory);
    this.organisations = organisations;
  }

  static async open(dir: string, seed: number, tenants: number, nowMs: number): Promise<Side> {
    const data = path.join(dir, 'directory');
    const { program, answer } = await startDirectory(data, seed, tenants, nowMs);
    const url = `http://127.0.0.1:${answer.port}`;
    const token = readFileSync(path.join(data, 'internal-token'), 'utf8').trim();
    const inside = { url: `http://127.0.0.1:${answer.internalPort}`, token };
    const { keys, connectKeys } = JSON.parse(
      readFileSync(path.join(data, 'keys.json'), 'utf8'),
    ) as SeededKeys;
    const admins = keys.filter(({ role }) => role === 'Administrator With Billing');
    const organisations = await Promise.all(
      [...new Map(admins.map((admin) => [admin.organization, admin])).values()].map((admin) =>
        readOrganisation(url, { ...admin, connectKey: connectKeys[admin.organization] ?? '' }),
      ),
    );
    return new Side(dir, { url, inside }, program, organisations);
  }

  /** The guard's data directory. */
  get guardData(): string {
    return path.join(this.dir, 'guard');
  }

  get guarded(): boolean {
    return this.#guard !== undefined;
  }

  /** Puts the guard in front. */
  async guard(bin: string, settings: Record<string, unknown>, nowMs: number): Promise<void> {
    const file = path.join(this.dir, 'keyward.yaml');
    const upstream = {
      name: 'directory',
      url: this.#url,
      catalog: 'jumpcloud',
      foreignKeys: 'known',
      ...PATIENT,
    };
    const config = { dataDir: './guard', upstreams: [upstream], clients: { idleMs: DAY_MS }, ...settings };
    writeFileSync(file, JSON.stringify(config, null, 2));
    const { program, answer } = await startGuard(bin, file, nowMs);
    this.#programs.push(program);
    this.#guard = answer;
  }

  /** A device of the organisation with an agent on it; its id in the directory. */
  async device(organisation: Organisation, hostname: string, nowMs: number): Promise<string> {
    const sandbox = path.join(this.dir, 'devices', hostname);
    const { program, answer } = await startAgent(
      this.#url,
      organisation.connectKey,
      sandbox,
      hostname,
      nowMs,
    );
    this.#agents.push(program);
    return answer;
  }

  /** Gives a principal a key, and tells the guard whose it is. */
  async enrol(who: Principal, n = 0): Promise<void> {
    const organisation = this.organisations.find(({ id }) => id === who.tenant.id) as Organisation;
    const credential = await newCredential(this.#url, who, organisation.adminKey, n);
    this.#credentials.set(who.key, credential);
    if (n === 0) this.#stolen.set(who.key, credential);
    if (this.#guard === undefined) return;
    const { body } = await this.admin('POST', '/v1/keys/register', {
      ...{ name: `${who.id} of ${organisation.name}`, tenant: organisation.id, principal: who.id },
      ...{ upstream: 'directory', credential },
    });
    const { id } = body as { id: string };
    this.keyIds.set(id, who.key);
    if (n === 0) this.firstIds.add(id);
  }

  /** The admin API of the guard. @throws {Error} for any answer that is no success */
  async admin(method: string, pathname: string, body?: unknown): Promise<Answer> {
    const { adminUrl, token } = this.#guard as GuardAt;
    const answer = await ask(adminUrl, method, pathname, { authorization: `Bearer ${token}` }, body);
    if (answer.status >= 300)
      throw new Error(`${method} ${pathname}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  }

  /** Asks the directory itself, past the guard. */
  ask(method: string, target: string, apiKey: string, body?: unknown): Promise<Answer> {
    return ask(this.#url, method, target, { 'x-api-key': apiKey }, body);
  }

  /** What whoever is inside the provider does, without any key: a command straight into the queue. */
  async inject(systemIds: readonly string[], command: string, name: string): Promise<void> {
    const { url, token } = this.#inside;
    const headers = { authorization: `Bearer ${token}` };
    const { status } = await ask(url, 'POST', '/internal/commands/inject', headers, {
      systemIds,
      command,
      name,
    });
    if (status !== 200) throw new Error(`The injection failed: ${status}`);
  }

  send({ key, ip, userAgent, method, path: target }: Sent, body: unknown, stolen: boolean): Promise<Answer> {
    const base = this.#guard === undefined ? this.#url : `http://127.0.0.1:${this.#guard.port}`;
    const headers = {
      'x-api-key': (stolen ? this.#stolen : this.#credentials).get(key) ?? '',
      'x-forwarded-for': ip,
      'user-agent': userAgent,
    };
    return ask(base, method, target, headers, method === 'GET' ? undefined : body);
  }

  /** Sets the time of all programs. */
  async tick(nowMs: number, agents: boolean): Promise<void> {
    await Promise.all([...this.#programs, ...(agents ? this.#agents : [])].map((each) => each.tick(nowMs)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#agents, ...this.#programs.slice(1)].map((each) => each.stop()));
    await this.#programs[0]?.stop();
  }
}

/** Time jumps while nothing is on its way: no connection is taken for idle. */
const PATIENT = { keepAliveMs: DAY_MS };
