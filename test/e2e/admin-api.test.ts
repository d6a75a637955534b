import SwaggerParser from '@apidevtools/swagger-parser';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Guarded, guarded, raw } from './guarded-api.js';

interface Operation {
  readonly security?: unknown[];
  readonly responses: Record<string, { content?: Record<string, { schema: object }> }>;
}
interface Description {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
}

let api: Guarded;
let url: string;
let admin: string;
let viewer: string;
let description: Description;
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);

beforeAll(async () => {
  api = await guarded((socket, received) => {
    if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const { address } = api.running.admin;
  url = `http://127.0.0.1:${address.port}`;
  admin = api.running.bootstrapToken as string;
  const parsed = (await (await fetch(`${url}/openapi.json`)).json()) as never;
  await SwaggerParser.validate(structuredClone(parsed));
  description = (await SwaggerParser.dereference(parsed)) as unknown as Description;
  viewer = (await call('POST', '/v1/operators', { name: 'eve', role: 'viewer' })).body.token as string;
});
afterAll(() => api.close());

/** Calls and holds the answer against the description that the API itself serves. */
async function call(method: string, pathname: string, body?: unknown, token = admin) {
  const response = await fetch(url + pathname, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
  const bare = pathname.replace(/\?.*/, '');
  const template = Object.keys(description.paths)
    .sort((a, b) => a.split('{').length - b.split('{').length)
    .find((each) => new RegExp(`^${each.replace(/\{[^}]+\}/g, '[^/]+')}$`).test(bare));
  const operation = template === undefined ? undefined : description.paths[template]?.[method.toLowerCase()];
  const described = operation?.responses[String(response.status)];
  expect(
    described,
    `${method} ${bare} answers ${response.status}, which its description lacks`,
  ).toBeDefined();
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  if (text !== '') {
    const schema = described?.content?.[type]?.schema as object;
    expect(schema, `${method} ${bare} answers ${type}`).toBeDefined();
    const valid = ajv.validate(schema, answer);
    expect(valid ? undefined : ajv.errorsText(), `${method} ${bare}`).toBeUndefined();
  }
  return { status: response.status, body: answer };
}

describe('the description', () => {
  it('is OpenAPI 3.1 and names every operation under /v1', () => {
    expect(description.openapi).toBe('3.1.0');
    expect(Object.keys(description.paths).length).toBeGreaterThan(20);
  });
});

describe('without a valid token', () => {
  it('every operation refuses, and so do the metrics', async () => {
    const tokens = ['', 'wrong', api.key, `${admin.slice(0, -1)}${admin.endsWith('0') ? '1' : '0'}`];
    const refused: string[] = [];
    for (const [path, operations] of Object.entries(description.paths)) {
      for (const method of Object.keys(operations)) {
        for (const token of tokens) {
          const response = await fetch(url + path.replace(/\{[^}]+\}/g, 'x'), {
            method: method.toUpperCase(),
            headers: token === '' ? {} : { authorization: `Bearer ${token}` },
          });
          if (response.status === 401) refused.push(`${method} ${path}`);
        }
      }
    }
    const all = Object.entries(description.paths).flatMap(([, operations]) => Object.keys(operations));
    expect(refused.length).toBe(all.length * tokens.length);
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
  });

  it('health and readiness say one word each', async () => {
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('ok\n');
    expect(await (await fetch(`${url}/readyz`)).text()).toBe('ready\n');
  });

  it('a token of a revoked operator is refused at once; the last admin stays', async () => {
    const { body } = await call('POST', '/v1/operators', { name: 'bob', role: 'admin' });
    const token = body.token as string;
    expect((await call('GET', '/v1/operators/self', undefined, token)).body.name).toBe('bob');
    await call('POST', '/v1/operators/bob/revoke');
    expect((await call('GET', '/v1/operators/self', undefined, token)).status).toBe(401);
    expect((await call('POST', '/v1/operators/bootstrap/revoke')).status).toBe(409);
    expect((await call('POST', '/v1/operators', { name: 'bob', role: 'viewer' })).status).toBe(409);
  });
});

describe('a request for no operation', () => {
  it('with another method is told those that there are', async () => {
    for (const [method, path, allow] of [
      ['DELETE', '/v1/keys', 'GET, POST, HEAD'],
      ['GET', `/v1/keys/${api.keyId}/suspend`, 'POST'],
      ['PUT', '/v1/incidents/i_0/evidence', 'GET, HEAD'],
      ['POST', '/readyz', 'GET, HEAD'],
      ['POST', '/metrics', 'GET, HEAD'],
    ] as const) {
      const response = await fetch(url + path, { method, headers: { authorization: `Bearer ${admin}` } });
      expect([response.status, response.headers.get('allow')], `${method} ${path}`).toEqual([405, allow]);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(await response.json()).toMatchObject({
        type: 'urn:keyward:problem:method_not_allowed',
        title: 'Method Not Allowed',
        detail: `${path} takes ${allow}, not ${method}.`,
      });
    }
    const nowhere = await fetch(`${url}/v1/nothing`, { headers: { authorization: `Bearer ${admin}` } });
    expect([nowhere.status, nowhere.headers.get('allow')]).toEqual([404, null]);
  });

  it('with a parameter that there is none of is refused by its name, whatever the operation', async () => {
    const { status, body } = await call('GET', '/v1/keys?limt=5&tenant=acme&limt=6');
    expect(status).toBe(400);
    expect(body.detail).toBe(
      'limt is no query parameter here; it takes after, limit, tenant, principal, state.',
    );
    expect(body.errors).toEqual([expect.objectContaining({ field: 'limt' })]);
    for (const [path, operations] of Object.entries(description.paths))
      for (const method of Object.keys(operations)) {
        const answer = await call(method.toUpperCase(), `${path.replace(/\{[^}]+\}/g, 'x')}?__proto__=1`);
        expect([answer.status, answer.body.detail], `${method} ${path}`).toEqual([
          400,
          expect.stringMatching(/^__proto__ is no query parameter here; it takes \w/),
        ]);
      }
  });
});

describe('a viewer', () => {
  it('reads, tries limits on the past, and changes nothing', async () => {
    expect((await call('GET', '/v1/keys', undefined, viewer)).status).toBe(200);
    const limits = { locations: { allow: [{ country: 'DE' }] } };
    expect((await call('POST', '/v1/dry-run', { scope: 'key', id: api.keyId, limits }, viewer)).status).toBe(
      200,
    );
    for (const [path, operations] of Object.entries(description.paths)) {
      for (const method of Object.keys(operations).filter((each) => each !== 'get')) {
        if (path === '/v1/dry-run') continue;
        const { status } = await call(method.toUpperCase(), path.replace(/\{[^}]+\}/g, 'x'), {}, viewer);
        expect(status, `${method} ${path}`).toBe(403);
      }
    }
  });
});

describe('keys', () => {
  it('live their whole life by the API', async () => {
    const issued = await call('POST', '/v1/keys', { name: 'sync', tenant: 'acme', principal: 'hr-sync' });
    expect(issued.status).toBe(201);
    const { id } = issued.body.key as { id: string };
    const credential = issued.body.credential as string;
    const ask = (key: string) => raw(api.port, `GET / HTTP/1.1\r\nHost: a\r\nx-api-key: ${key}\r\n\r\n`);
    expect(await ask(credential)).toContain('200 OK');
    const shown = await call('GET', `/v1/keys/${id}`);
    expect(shown.body).toMatchObject({ state: 'active', usage: { accepted: 1, lastAddress: '127.0.0.1' } });
    expect(JSON.stringify(shown.body)).not.toContain(credential);
    expect((await call('GET', '/v1/keys?tenant=acme')).body.keys).toHaveLength(1);
    expect((await call('GET', '/v1/usage?by=principal')).body.rows).toContainEqual(
      expect.objectContaining({ id: 'hr-sync', keys: 1, lastKey: id }),
    );
    await call('POST', `/v1/keys/${id}/suspend`, { why: 'looking' });
    expect(await ask(credential)).toContain('key_suspended');
    await call('POST', `/v1/keys/${id}/resume`);
    const rotated = await call('POST', `/v1/keys/${id}/rotate`, { overlapSeconds: 60 });
    expect(await ask(rotated.body.credential as string)).toContain('200 OK');
    expect((await call('GET', '/v1/keys?state=overlapping')).body.keys).toHaveLength(1);
    await call('POST', `/v1/keys/${id}/revoke`, { why: 'stolen' });
    expect(await ask(credential)).toContain('key_revoked');
    expect((await call('POST', `/v1/keys/${id}/resume`)).status).toBe(409);
    expect((await call('PATCH', `/v1/keys/${id}`, { name: 'x' })).status).toBe(409);
  });

  it('are listed in pages', async () => {
    for (let i = 0; i < 5; i += 1) await call('POST', '/v1/keys', { name: `p${i}`, tenant: 'pages' });
    const seen: string[] = [];
    let after = '';
    do {
      const { body } = await call('GET', `/v1/keys?tenant=pages&limit=2${after}`);
      seen.push(...(body.keys as { name: string }[]).map(({ name }) => name));
      after = body.next === undefined ? '' : `&after=${body.next}`;
    } while (after !== '');
    expect(seen.sort()).toEqual(['p0', 'p1', 'p2', 'p3', 'p4']);
  });

  it('location rules that refuse the place of the last use need force', async () => {
    const { body } = await call('POST', '/v1/keys', { name: 'here' });
    const { id } = body.key as { id: string };
    await raw(api.port, `GET / HTTP/1.1\r\nHost: a\r\nx-api-key: ${body.credential}\r\n\r\n`);
    const limits = { locations: { allow: [{ cidr: '203.0.113.0/24' }] } };
    const refused = await call('PATCH', `/v1/keys/${id}`, { limits });
    expect(refused.status).toBe(409);
    expect(refused.body.detail).toMatch(/lock it out: 127\.0\.0\.1 .*force/);
    expect(
      (await call('PUT', '/v1/tenants/default', { name: 'D', locations: limits.locations })).status,
    ).toBe(409);
    expect((await call('PATCH', `/v1/keys/${id}?force=true`, { limits })).status).toBe(200);
  });

  it('a dry run counts what limits would have refused, by the guard itself', async () => {
    const { body } = await call('POST', '/v1/keys', { name: 'past' });
    const { id } = body.key as { id: string };
    const send = (line: string) =>
      raw(
        api.port,
        `${line} HTTP/1.1\r\nHost: a\r\nx-api-key: ${body.credential}\r\nContent-Length: 0\r\n\r\n`,
      );
    for (const line of ['GET /a', 'GET /b', 'DELETE /c']) await send(line);
    const limits = { operations: { allow: ['GET'] } };
    let result: Record<string, unknown> = {};
    for (let i = 0; i < 50 && result.examined !== 3; i += 1) {
      result = (await call('POST', '/v1/dry-run', { scope: 'key', id, limits })).body;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(result).toMatchObject({ examined: 3 });
    const places = { locations: { allow: [{ country: 'DE' }] } };
    expect((await call('POST', '/v1/dry-run', { scope: 'key', id, limits: places })).body).toMatchObject({
      examined: 3,
      wouldRefuse: 3,
      byReason: { location_denied: 3 },
      byKey: { [id]: 3 },
    });
    const rate = { rate: { requests: 2, seconds: 3600 } };
    expect((await call('POST', '/v1/dry-run', { scope: 'key', id, limits: rate })).body).toMatchObject({
      wouldRefuse: 1,
      byReason: { rate_limited: 1 },
    });
    const later = new Date(Date.now() + 60_000).toISOString();
    expect(
      (await call('POST', '/v1/dry-run', { scope: 'key', id, limits: places, since: later })).body.examined,
    ).toBe(0);
  });

  it.each([
    ['a field that does not exist', { name: 'x', nmae: 1 }, 'nmae'],
    ['a wrong network', { name: 'x', limits: { locations: { allow: [{ cidr: '10.0.0.0/33' }] } } }, 'cidr'],
    [
      'a country that does not exist',
      { name: 'x', limits: { locations: { deny: [{ country: 'XX' }] } } },
      'XX',
    ],
    ['an unknown upstream', { name: 'x', upstreams: ['nope'] }, 'nope'],
    ['a time that is none', { name: 'x', expires: 'tomorrow' }, 'expires'],
    ['an environment kept for operators', { name: 'x', env: 'admin' }, 'env'],
    [
      'two rules in one',
      { name: 'x', limits: { locations: { allow: [{ country: 'DE', asn: 1 }] } } },
      'allow',
    ],
  ])('%s is refused by name, and nothing is issued', async (_, input, named) => {
    const before = api.running.keys.list().length;
    const { status, body } = await call('POST', '/v1/keys', input);
    expect(status).toBe(422);
    expect(JSON.stringify(body)).toContain(named);
    expect(api.running.keys.list().length).toBe(before);
  });

  it('broken JSON is a problem, not a crash', async () => {
    const response = await fetch(`${url}/v1/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      body: '{"name":',
    });
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });

  it('names what it answers to a body of another type', async () => {
    const headers = { authorization: `Bearer ${admin}`, 'content-type': 'text/plain' };
    const response = await fetch(`${url}/v1/keys`, { method: 'POST', headers, body: 'x' });
    expect(await response.json()).toMatchObject({ status: 415, title: 'Unsupported Media Type' });
  });
});

describe('a manifest', () => {
  it('goes out and comes back without a change, makes what it adds, and prunes when told', async () => {
    const { body } = await call('GET', '/v1/manifest');
    expect(JSON.stringify(body)).not.toMatch(/fingerprint|kw_/);
    expect((await call('POST', '/v1/manifest', body)).body).toMatchObject({ changes: [], credentials: [] });
    const added = { id: 'AAAAbbbb0000', name: 'from git', limits: { rate: { requests: 5, seconds: 1 } } };
    const wanted = { ...body, keys: [...(body.keys as object[]), added] };
    const dry = await call('POST', '/v1/manifest?dryRun=true', wanted);
    expect(dry.body.changes).toEqual([{ action: 'key.issue', id: added.id, name: added.name }]);
    expect((await call('GET', `/v1/keys/${added.id}`)).status).toBe(404);
    const done = await call('POST', '/v1/manifest', wanted);
    const [issued] = done.body.credentials as { credential: string }[];
    expect(
      await raw(api.port, `GET / HTTP/1.1\r\nHost: a\r\nx-api-key: ${issued?.credential}\r\n\r\n`),
    ).toContain('200 OK');
    const pruned = await call('POST', '/v1/manifest?prune=true', body);
    expect(pruned.body.changes).toEqual([{ action: 'key.revoke', id: added.id, name: added.name }]);
    const again = await call('POST', '/v1/manifest', wanted);
    expect(again.body.left).toContainEqual({ id: added.id, why: 'revoked here; that cannot be undone' });
  });

  it('never resumes what was suspended, and is refused whole when one part is wrong', async () => {
    const { body } = await call('GET', '/v1/manifest');
    await call('POST', `/v1/keys/${api.keyId}/suspend`, { why: 'incident' });
    const { body: applied } = await call('POST', '/v1/manifest', body);
    expect(applied.left).toContainEqual(expect.objectContaining({ id: api.keyId }));
    expect((await call('GET', `/v1/keys/${api.keyId}`)).body.state).toBe('suspended');
    await call('POST', `/v1/keys/${api.keyId}/resume`);
    const broken = {
      ...body,
      tenants: [{ id: 'new-one', name: 'N' }],
      keys: [{ id: 'CCCCbbbb0000', name: 'x', upstreams: ['nope'] }],
    };
    const { status, body: problem } = await call('POST', '/v1/manifest', broken);
    expect([status, problem.detail]).toEqual([422, 'keys[0].upstreams: there is no upstream nope']);
    expect((await call('GET', '/v1/tenants/new-one')).status).toBe(404);
  });
});

describe('notices', () => {
  const keyOf = (id: string) => ({
    ...{ id, name: 'n', principal: 'p', operations: [], objects: [], bytesOut: 0, places: [], measures: [] },
  });
  const draft = (tenant: string, keys: object[] = [keyOf('k')]) =>
    call('POST', '/v1/notices', {
      facts: [{ incident: 'i1', tenant, touched: false, keys, grounds: ['none'] }],
    });

  it('are drafted, read, previewed and withdrawn as the description says', async () => {
    await call('PUT', '/v1/tenants/told', { name: 'T', contacts: { emails: ['a@told.example'] } });
    const drafted = await draft('told');
    expect(drafted.status).toBe(201);
    const { id, problem } = (drafted.body.notices as { id: string; problem: string }[])[0] ?? {};
    expect(problem).toContain('notices.smtp is not configured');
    expect((await call('GET', `/v1/notices/${id}`)).body).toMatchObject({
      state: 'draft',
      kind: 'precaution',
    });
    expect((await call('GET', `/v1/notices/${id}/preview`)).body.text).toContain('- none');
    expect((await call('GET', `/v1/notices/${id}/file`)).status).toBe(404);
    expect((await call('POST', `/v1/notices/${id}/approve`, {})).status).toBe(409);
    expect((await call('POST', `/v1/notices/${id}/withdraw`, {})).status).toBe(422);
    expect((await call('POST', `/v1/notices/${id}/withdraw`, { why: 'x' })).body.state).toBe('withdrawn');
    expect((await call('POST', `/v1/notices/${id}/approve`, {})).status).toBe(409);
    expect((await call('GET', '/v1/notices?incident=i1&state=withdrawn')).body.notices).toHaveLength(1);
    expect((await call('GET', '/v1/notices?state=lost')).status).toBe(422);
  });

  it('are refused without facts, with broken ones, and to a viewer', async () => {
    expect((await call('POST', '/v1/notices', { facts: [] })).status).toBe(422);
    expect((await draft('told', [])).status).toBe(422);
    expect((await draft('told', [{ ...keyOf('k'), bytesOut: -1 }])).status).toBe(422);
    for (const path of ['/v1/notices', '/v1/notices/x/approve', '/v1/deliveries/x/retry'])
      expect(
        (await fetch(url + path, { method: 'POST', headers: { authorization: `Bearer ${viewer}` } })).status,
      ).toBe(403);
    expect((await call('GET', '/v1/notices/x')).status).toBe(404);
    expect((await call('POST', '/v1/deliveries/x/retry')).status).toBe(404);
    expect((await call('GET', '/v1/deliveries?limit=5')).body.deliveries).toEqual([]);
  });

  it('go to contacts that make sense', async () => {
    const set = (contacts: unknown) => call('PUT', '/v1/tenants/told', { name: 'T', contacts });
    const hook = (over: object) => ({
      webhooks: [{ url: 'https://x.example/', secrets: ['none'], ...over }],
    });
    for (const wrong of [
      { emails: ['nobody'] },
      { emails: ['a@b.example\r\nBcc: c@d.example'] },
      { emails: ['a@b.example', 'a@b.example'] },
      hook({ url: 'ftp://x.example' }),
      hook({ url: 'https://user:word@x.example' }),
      hook({ secrets: [] }),
      hook({}),
    ])
      expect((await set(wrong)).status, JSON.stringify(wrong)).toBe(422);
    const seal = (secret: string) =>
      call('PUT', '/v1/sealed/hook', { upstream: '@webhooks', header: 'webhook-signature', secret });
    expect((await seal('whsec_short')).status).toBe(422);
    expect((await seal(`whsec_${Buffer.alloc(32).toString('base64')}`)).status).toBe(200);
    expect((await set(hook({ secrets: ['hook'] }))).status).toBe(200);
    expect((await call('DELETE', '/v1/sealed/hook')).status).toBe(409);
  });

  it('and security events have no address here unless they are configured', async () => {
    for (const path of ['/.well-known/ssf-configuration', '/ssf/jwks.json'])
      expect((await fetch(url + path)).status).toBe(404);
  });
});

describe('the journal by the API', () => {
  it('shows who did what, filters, and proves an entry', async () => {
    await call('POST', '/v1/keys', { name: 'traced' });
    let act: { seq: number } | undefined;
    for (let i = 0; i < 50 && act === undefined; i += 1) {
      const { body } = await call('GET', '/v1/journal?kind=act&limit=5');
      act = (
        body.entries as { seq: number; action: string; actor: string; detail?: { name?: string } }[]
      ).find(
        (each) => each.action === 'key.issue' && each.actor === 'bootstrap' && each.detail?.name === 'traced',
      );
    }
    expect(act).toBeDefined();
    const proof = await call('GET', `/v1/journal/${act?.seq}/proof`);
    expect(proof.body.line).toContain('traced');
    expect((await call('GET', '/v1/journal/999999999/proof')).status).toBe(404);
  });
});

describe('the metrics', () => {
  it('count decisions by verdict and reason, times, upstreams and the journal', async () => {
    await raw(api.port, 'GET / HTTP/1.1\r\nHost: a\r\nx-api-key: wrong-key\r\n\r\n');
    const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${viewer}` } });
    const text = await response.text();
    expect(text).toMatch(
      /^keyward_decisions_total\{upstream="api",verdict="deny",reason="credential_invalid"\} [1-9]/m,
    );
    expect(text).toMatch(/^keyward_decisions_total\{upstream="api",verdict="allow",reason=""\} [1-9]/m);
    expect(text).toMatch(/^keyward_decision_duration_seconds_bucket\{le="\+Inf",upstream="api"\} [1-9]/m);
    expect(text).toMatch(/^keyward_request_duration_seconds_count\{upstream="api"\} [1-9]/m);
    expect(text).toMatch(/^keyward_upstream_up\{upstream="api"\} 1$/m);
    expect(text).toMatch(/^keyward_journal_lag_entries \d+$/m);
  });
});
