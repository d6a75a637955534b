import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { facts, keyFacts } from '../notices/fixture.js';
import { type HttpReceiver, httpReceiver, mailServer, messageId, textOf } from '../notices/receivers.js';
import { type GuardProcess, guardFolder, removeFolder, startGuard, until } from './running-guard.js';

const ROUNDS = 6;
const TENANTS = 60;
const CODES = 8;
/** As the outbox has it: so many attempts can be in doubt after one crash. */
const IN_FLIGHT_MAX = 32;
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

let upstream: HttpReceiver;
let hook: HttpReceiver;
let mail: Awaited<ReturnType<typeof mailServer>>;
let dir: string;
let guard: GuardProcess;
let token: string;
let holdMs = 0;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

beforeAll(async () => {
  upstream = await httpReceiver((_, response) => response.end('ok'));
  // Accepts, and says so a little later: a crash in between is the worst moment.
  hook = await httpReceiver((_, response) => setTimeout(() => response.writeHead(204).end(), holdMs));
  mail = await mailServer();
  dir = guardFolder({
    upstreams: [{ name: 'api', url: new URL(upstream.url).origin }],
    trustedProxies: ['127.0.0.0/8'],
    notices: {
      from: 'security@guard.example',
      smtp: { host: '127.0.0.1', port: mail.port, security: 'none' },
      webhooks: { allowNetworks: ['127.0.0.0/8'] },
      retries: { firstMs: 50, maxMs: 200, attemptsMax: 50 },
      reset: { port: 0, address: 'reset.guard.example' },
    },
  });
  guard = await startGuard(dir);
  token = guard.token as string;
});
afterAll(async () => {
  await guard.stop();
  for (const each of [upstream, mail, hook]) await each.close();
  removeFolder(dir);
});

async function ok<T = Record<string, never>>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await guard.admin(method, path, body, token);
  const text = await response.text();
  expect(response.status, `${method} ${path}: ${text}`).toBeLessThan(300);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

async function crash(): Promise<void> {
  await guard.stop('SIGKILL');
  guard = await startGuard(dir);
}

interface DeliveryView {
  readonly id: string;
  readonly channel: string;
  readonly state: string;
  readonly inDoubt: number;
}

async function deliveries(): Promise<DeliveryView[]> {
  return (await ok<{ deliveries: DeliveryView[] }>('GET', '/v1/deliveries?limit=1000')).deliveries;
}

describe('kill -9', () => {
  it('with a full outbox, several times: all arrives, and what arrives twice was in doubt and has the same id', async () => {
    await ok('PUT', '/v1/sealed/hook', {
      upstream: '@webhooks',
      header: 'webhook-signature',
      secret: SECRET,
    });
    const tenants = Array.from({ length: TENANTS }, (_, n) => `t${n}`);
    for (const tenant of tenants)
      await ok('PUT', `/v1/tenants/${tenant}`, {
        name: tenant,
        contacts: {
          emails: [`ops@${tenant}.example`],
          webhooks: [{ url: `${hook.url}/${tenant}`, secrets: ['hook'] }],
        },
      });
    const all = tenants.map((tenant) =>
      facts({ tenant, incident: 'big', keys: [keyFacts({ id: `k-${tenant}` })] }),
    );
    const { notices } = await ok<{ notices: { id: string }[] }>('POST', '/v1/notices', { facts: all });
    holdMs = 40;
    const approving = (async () => {
      for (const { id } of notices) {
        // A crash may cut the answer off: then it is asked again, and a second approval is refused.
        for (;;) {
          const response = await guard
            .admin('POST', `/v1/notices/${id}/approve`, {}, token)
            .catch(() => undefined);
          if (response?.status === 200 || response?.status === 409) break;
          await pause(20);
        }
      }
    })();
    for (let round = 0; round < ROUNDS; round += 1) {
      await pause(150 + ((round * 61) % 200));
      await crash();
    }
    await approving;
    await until(async () => (await deliveries()).every(({ state }) => state === 'delivered'), 30_000);
    const sent = await deliveries();
    expect(sent.length).toBe(2 * TENANTS);

    const arrived = new Map<string, number>();
    const bodies = new Map<string, Set<string>>();
    const note = (id: string, body: string) => {
      arrived.set(id, (arrived.get(id) ?? 0) + 1);
      bodies.set(id, (bodies.get(id) ?? new Set()).add(body));
    };
    for (const { headers, body } of hook.received) note(String(headers['webhook-id']), body);
    for (const each of mail.mails) note((messageId(each) ?? '').replace(/@.*/, ''), textOf(each));
    expect([...arrived.keys()].sort()).toEqual(sent.map(({ id }) => id).sort());
    // Nothing is sent twice but what a crash left in doubt, and then it is the same message.
    const unexplained = sent.filter(({ id, inDoubt }) => (arrived.get(id) ?? 0) > 1 + inDoubt);
    expect(unexplained).toEqual([]);
    expect([...bodies.values()].filter(({ size }) => size !== 1)).toEqual([]);
    const doubled = [...arrived.values()].reduce((sum, times) => sum + times - 1, 0);
    expect(doubled).toBeLessThanOrEqual(ROUNDS * IN_FLIGHT_MAX);
    // The crashes hit something: else this test would show nothing.
    expect(sent.reduce((sum, { inDoubt }) => sum + inDoubt, 0)).toBeGreaterThan(0);
  }, 120_000);

  it('in the middle of pick-ups: of each code one key lives, and who was answered last has it', async () => {
    holdMs = 0;
    await ok('PUT', '/v1/tenants/acme', { name: 'Acme', contacts: { emails: ['ada@acme.example'] } });
    const ids: string[] = [];
    for (let n = 0; n < CODES; n += 1) {
      const { key } = await ok<{ key: { id: string } }>('POST', '/v1/keys', {
        name: `n${n}`,
        tenant: 'acme',
      });
      await ok('POST', `/v1/keys/${key.id}/revoke`, { why: 'incident' });
      ids.push(key.id);
    }
    const all = [facts({ tenant: 'acme', incident: 'reset', keys: ids.map((id) => keyFacts({ id })) })];
    const { notices } = await ok<{ notices: { id: string }[] }>('POST', '/v1/notices', { facts: all });
    const before = mail.mails.length;
    await ok('POST', `/v1/notices/${notices[0]?.id}/approve`, { codes: true });
    await until(() => mail.mails.length > before);
    const text = textOf(mail.mails.at(-1) as never);
    const codes = ids.map((id) => new RegExp(`\\(${id}\\):\\n {2}(\\S+)`).exec(text)?.[1] as string);
    expect(new Set(codes).size).toBe(CODES);

    const last = new Map<string, string>();
    let places = 0;
    const pickUp = async (code: string) => {
      places += 1;
      const port = /^reset .*:(\d+)$/m.exec(guard.stdout())?.[1];
      const response = await fetch(`http://127.0.0.1:${port}/v1/pick-up`, {
        ...{ method: 'POST', body: JSON.stringify({ code }) },
        headers: {
          'content-type': 'application/json',
          'x-forwarded-for': `198.51.${places >> 8}.${places & 255}`,
        },
      });
      if (response.status === 200) {
        const { credential } = (await response.json()) as { credential: string };
        last.set(code, credential);
      }
      return response.status;
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      const picking = Promise.allSettled(codes.map(pickUp));
      await pause(round * 5);
      await crash();
      await picking;
    }
    // Whoever did not get an answer can still ask; after that the code is used.
    const statuses = await Promise.all(codes.map(pickUp));
    expect(statuses.every((status) => status === 200 || status === 410)).toBe(true);
    await until(async () => (await Promise.all(codes.map(pickUp))).every((status) => status === 410));

    const { keys } = await ok<{ keys: { id: string; state: string; replaces?: string }[] }>(
      ...(['GET', '/v1/keys?limit=1000'] as const),
    );
    for (const id of ids) {
      const living = keys.filter((key) => key.replaces === id && key.state === 'active');
      expect(living.length, `living replacements of ${id}`).toBe(1);
    }
    for (const [at, code] of codes.entries()) {
      const credential = last.get(code) as string;
      const response = await fetch(`http://127.0.0.1:${guard.port}/x`, {
        headers: { 'x-api-key': credential },
      });
      expect(response.status, `the key of code ${at}`).toBe(200);
    }
  }, 120_000);
});
