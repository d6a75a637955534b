import { afterEach, beforeEach } from 'vitest';
import { type HttpUpstream, httpUpstream } from './http-upstream.js';
import { type GuardProcess, guardFolder, removeFolder, startGuard } from './running-guard.js';

export interface PlanView {
  readonly id: string;
  readonly state: string;
  readonly steps: readonly { readonly key: string; readonly state: string; readonly note?: string }[];
}
export interface KeyView {
  readonly id: string;
  readonly state: string;
  readonly limits: Record<string, unknown>;
}

export let upstream: HttpUpstream;
export let dir: string;
export let guard: GuardProcess;
export let token: string;

export const settings = () => ({
  upstreams: [{ name: 'api', url: upstream.url, catalog: 'jumpcloud' }],
  trustedProxies: ['127.0.0.1'],
  detector: { mode: 'observe', alarmsPerThousandKeyDays: 500 },
});

/** A guard with an upstream behind it for each test of a file. */
export function guardForEach(): void {
  beforeEach(async () => {
    upstream = await httpUpstream((_request, response) => response.end('ok'));
    dir = guardFolder(settings());
    guard = await startGuard(dir);
    token = guard.token as string;
  });
  afterEach(async () => {
    await guard.stop('SIGKILL');
    upstream.close();
    removeFolder(dir);
  });
}

export interface Key {
  readonly id: string;
  readonly credential: string;
}

export async function ask<T>(method: string, pathname: string, body?: unknown): Promise<T> {
  const response = await guard.admin(method, pathname, body, token);
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${pathname}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}

export async function issue(count: number, tenant = 'acme'): Promise<Key[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const input = { name: `k${n}`, tenant, principal: `p${n}` };
      const { key, credential } = await ask<{ key: KeyView; credential: string }>('POST', '/v1/keys', input);
      return { id: key.id, credential };
    }),
  );
}

export async function restart(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  await guard.stop(signal);
  guard = await startGuard(dir);
}

export const THIEF = { 'x-forwarded-for': '185.220.101.5', 'user-agent': 'python-httpx/0.24.1' };
export const ownerOf = (n: number) => ({
  'x-forwarded-for': `87.128.${n}.7`,
  'user-agent': 'python-requests/2.31.0',
});

/** Status of a call, and the reason of a refusal; 0 where nobody answered. */
export async function call(
  credential: string,
  from: Record<string, string>,
  line = 'GET /api/systemusers',
  port = guard.port,
): Promise<string> {
  const [method = '', pathname = ''] = line.split(' ');
  const init = {
    method,
    headers: { ...from, 'x-api-key': credential },
    ...(method === 'POST' ? { body: '{}' } : {}),
  };
  try {
    const response = await fetch(`http://127.0.0.1:${port}${pathname}`, init);
    const text = await response.text();
    return response.ok ? '200' : `${response.status} ${(JSON.parse(text) as { reason: string }).reason}`;
  } catch {
    return '0';
  }
}

/** The owners of some keys at work, until the guard knows them. */
export async function learned(count: number, port?: number): Promise<Key[]> {
  const keys = await issue(count);
  await Promise.all(
    keys.map(async ({ credential }, n) => {
      for (let i = 0; i < 60; i++) await call(credential, ownerOf(n), undefined, port);
    }),
  );
  return keys;
}
