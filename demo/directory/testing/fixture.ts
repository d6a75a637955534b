import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureTokenSecret } from '../access.js';
import { Fleet } from '../agents/fleet.js';
import { SimulatedDevices } from '../devices.js';
import { type Ports, systemPorts } from '../ids.js';
import { isObject, type JsonObject, type RoleName } from '../model.js';
import { Scheduler } from '../scheduler.js';
import { type Seeded, seedDirectory } from '../seed.js';
import { createApp } from '../server.js';
import { DirectoryStore } from '../store.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: JsonObject;
  /** The objects of a list, of either version. */
  readonly list: readonly JsonObject[];
  readonly total: number;
}

export interface CallOptions {
  readonly key?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** A seeded directory in this process, with a clock that the test moves. */
export interface TestDirectory {
  readonly dir: string;
  readonly seeded: Seeded;
  readonly store: DirectoryStore;
  readonly devices: SimulatedDevices;
  readonly scheduler: Scheduler;
  readonly clock: { now: number };
  keyOf(organization: number, role?: RoleName): string;
  organization(n: number): string;
  /** With the key of the first organisation's highest administrator, unless told. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  close(): Promise<void>;
}

export async function testDirectory(organisations = 2): Promise<TestDirectory> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'directory-test-'));
  const store = DirectoryStore.open(dir);
  const clock = { now: Date.UTC(2023, 6, 5, 12) };
  const ports: Ports = { ...systemPorts(), now: () => clock.now };
  const seeded = await seedDirectory(store, { seed: 7, organisations, users: 12 });
  await ensureTokenSecret(store);
  const app = createApp(store, { ports, behindProxy: true }, new Fleet(store, ports));
  const organizations = [...new Set(seeded.keys.map((key) => key.organization))];
  const keyOf = (n: number, role: RoleName = 'Administrator With Billing') => {
    const found = seeded.keys.find((key) => key.organization === organizations[n] && key.role === role);
    if (found === undefined) throw new Error(`No key of ${role} in organisation ${n}.`);
    return found.apiKey;
  };
  return {
    ...{ dir, seeded, store, clock, keyOf },
    devices: new SimulatedDevices(store, ports),
    scheduler: new Scheduler(store, ports),
    organization: (n) => organizations[n] ?? '',
    call: async (method, url, options = {}) => {
      const key = 'key' in options ? options.key : keyOf(0);
      const response = await app.request(url, {
        method,
        headers: { ...(key === undefined ? {} : { 'x-api-key': key }), ...options.headers },
        ...(options.body === undefined
          ? {}
          : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
      });
      const text = await response.text();
      const json: unknown = text === '' ? {} : JSON.parse(text);
      const object = isObject(json) ? json : {};
      const list = (Array.isArray(json) ? json : (object.results ?? [])) as JsonObject[];
      const total = Number(response.headers.get('x-total-count') ?? object.totalCount);
      return { status: response.status, headers: response.headers, text, json: object, list, total };
    },
    close: async () => {
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
