import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { CatalogFault } from './catalog-file.js';
import { loadCatalog } from './load.js';

const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-openapi-'));
const file = path.join(dir, 'api.yaml');
afterAll(() => rmSync(dir, { recursive: true }));

function load(text: string, overrides = {}) {
  writeFileSync(file, text);
  return loadCatalog(file, overrides).operations;
}

const GOOD = `
openapi: 3.1.0
info: { title: t, version: '1' }
servers: [{ url: 'https://api.example/v2/' }]
paths:
  /users/{id}:
    parameters: [{ name: id, in: path }]
    get: { operationId: users.get, responses: {} }
    put: { operationId: users.update, x-keyward-privilege: 4 }
  /ping:
    get: {}
`;

describe('an OpenAPI file', () => {
  it('gives names, paths below the server, and privileges: override, extension, method, in this order', () => {
    expect(load(GOOD, { 'users.*': 3, 'users.get': 0 })).toMatchObject([
      { name: 'users.get', method: 'GET', path: '/v2/users/{id}', privilege: 0 },
      { name: 'users.update', method: 'PUT', path: '/v2/users/{id}', privilege: 3 },
      { name: 'GET /v2/ping', method: 'GET', path: '/v2/ping', privilege: 1 },
    ]);
    expect(load(GOOD)[1]).toMatchObject({ privilege: 4 });
  });

  it.each([
    ['openapi: 2.0\npaths: {}', 'openapi'],
    ['swagger: "2.0"\npaths: {}', 'openapi'],
    ['openapi: 3.0.0\npaths: { users: {} }', 'paths.users'],
    [
      'openapi: 3.0.0\npaths: { /a: { get: { x-keyward-privilege: 9 } } }',
      'paths./a.get.x-keyward-privilege',
    ],
    ['openapi: 3.0.0\npaths: { /a: { get: 5 } }', 'paths./a.get'],
    ['{', 'cannot be read as YAML or JSON'],
    ['', 'is no catalog'],
  ])('%j is refused with the place', (text, place) => {
    expect(() => load(text)).toThrow(CatalogFault);
    expect(() => load(text)).toThrow(place);
  });

  it('of any JSON gives operations or a fault, nothing else', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        try {
          load(`{"openapi":"3.0.0","paths":${json}}`);
        } catch (error) {
          expect(error).toBeInstanceOf(CatalogFault);
        }
      }),
      { numRuns: 200 },
    );
  });
});
