import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bodyFieldsOf } from './body-fields.js';
import { CatalogFault } from './catalog-file.js';
import { BUILT_IN_CATALOGS, loadCatalog, readCatalog } from './load.js';

const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-catalog-'));
const file = path.join(dir, 'api.json');
afterAll(() => rmSync(dir, { recursive: true }));

const write = (text: string | object) =>
  writeFileSync(file, typeof text === 'string' ? text : JSON.stringify(text));
const catalog = (...operations: object[]) => ({ name: 'mine', operations });
const GET = { name: 'users.get', method: 'GET', path: '/users/{id}', privilege: 1 };
const PUT = {
  name: 'users.update',
  method: 'PUT',
  path: '/users/{id}',
  privilege: 2,
  escalate: { fields: ['Password', 'mfa'], privilege: 4 },
};
const body = (value: unknown) => bodyFieldsOf(new TextEncoder().encode(JSON.stringify(value)));

describe('a catalog', () => {
  it.each(BUILT_IN_CATALOGS)('%s comes with Keyward', (name) => {
    expect(loadCatalog(name).size).toBeGreaterThan(300);
  });

  it('of a file is found with the privilege that the body calls for; an unread body is the worst case', () => {
    write(catalog(GET, PUT));
    const loaded = loadCatalog(file);
    const privilege = (fields?: ReturnType<typeof body>) =>
      loaded.match('PUT', ['users', '7'], fields).privilege;
    expect(privilege(body({ name: 'A' }))).toBe(2);
    expect(privilege(body({ name: 'A', PASSWORD: 'x' }))).toBe(4);
    expect(privilege(body({ mfa: { exclusion: true } }))).toBe(4);
    expect(privilege(bodyFieldsOf(new TextEncoder().encode('{"name":'), {}, false))).toBe(4);
    expect(privilege()).toBe(4);
  });

  it('is overridden by the operator, body or not', () => {
    write(catalog(GET, PUT));
    const loaded = loadCatalog(file, { 'users.*': 3, 'users.get': 0 });
    expect(loaded.match('GET', ['users', '7']).privilege).toBe(0);
    expect(loaded.match('PUT', ['users', '7'], body({ password: 1 })).privilege).toBe(3);
  });

  it('gives an operation by its name, too', () => {
    expect(loadCatalog('aws').byName('lambda.CreateFunction20150331')?.name).toBe('lambda.CreateFunction');
    expect(loadCatalog('aws').byName('IAM.createaccesskey')?.privilege).toBe(4);
    expect(loadCatalog('aws').byName('iam.Nothing')).toBeUndefined();
  });

  it('is served under other prefixes, too', () => {
    write({ ...catalog(GET), alsoUnder: ['/api/v3'] });
    expect(loadCatalog(file).match('GET', ['api', 'v3', 'users', '7'])).toMatchObject({
      name: 'users.get',
      template: 'GET /api/v3/users/{id}',
    });
  });

  it('may be YAML', () => {
    write('name: mine\noperations:\n  - { name: a, method: GET, path: /a, privilege: 1 }\n');
    expect(readCatalog(file).operations).toHaveLength(1);
  });

  it.each([
    ['a name twice', catalog(GET, { ...GET, path: '/other' }), 'operations.1: the name users.get'],
    [
      'a place twice',
      catalog(GET, { ...GET, name: 'x', path: '/USERS/{user}' }),
      'operations.1: GET /users/{}',
    ],
    ['a privilege that is none', catalog({ ...GET, privilege: 5 }), 'operations.0.privilege'],
    [
      'a method without path',
      catalog({ name: 'x', method: 'GET', privilege: 1 }),
      'operations.0: needs both',
    ],
    ['a rest in the middle', catalog({ ...GET, path: '/a/{b+}/c' }), 'operations.0: has a parameter'],
    ['a field that does not exist', catalog({ ...GET, privlege: 1 }), 'privlege'],
    ['another kind of file', '{"hello":1}', 'is no catalog'],
    ['broken JSON', '{"operations":[', 'cannot be read as YAML or JSON'],
  ])('with %s is refused with the place', (_, text, place) => {
    write(text);
    expect(() => loadCatalog(file)).toThrow(CatalogFault);
    expect(() => loadCatalog(file)).toThrow(place);
  });

  it('that does not exist is answered with those that do', () => {
    expect(() => loadCatalog('jumpclod')).toThrow(/jumpclod; built in are jumpcloud, github/);
    expect(() => loadCatalog('./jumpclod.json')).toThrow('./jumpclod.json: cannot be read (ENOENT)');
  });
});
