import { describe, expect, it } from 'vitest';
import { parseTarget } from '../wire/request-target.js';
import { Catalog, type CatalogOperation } from './match.js';

const operation = (line: string, privilege: CatalogOperation['privilege'] = 2): CatalogOperation => {
  const [method, path] = line.split(' ') as [string, string];
  return { name: line, method, path, privilege };
};

const catalog = new Catalog([
  operation('GET /users'),
  operation('GET /users/{id}'),
  operation('GET /users/me', 1),
  operation('PUT /users/{id}'),
  operation('POST /users/{id}/resetMfa', 4),
  operation('GET /reports/{id}.json'),
  operation('GET /reports/{id}.csv'),
  operation('GET /reports/{id}'),
  operation('GET /{tenant}/things/{id}'),
]);

const match = (method: string, path: string) => {
  const target = parseTarget(path);
  if (target.kind === 'refused') throw new Error(target.why);
  return catalog.match(method, target.segments);
};

describe('the operation of a request', () => {
  it.each([
    ['GET', '/users', 'GET /users'],
    ['GET', '/users/', 'GET /users'],
    ['GET', '//users', 'GET /users'],
    ['GET', '/USERS/42', 'GET /users/{id}'],
    ['GET', '/users/me', 'GET /users/me'],
    ['GET', '/users/%6De', 'GET /users/me'],
    ['HEAD', '/users/42', 'GET /users/{id}'],
    ['PUT', '/users/me', 'PUT /users/{id}'],
    ['POST', '/users/42/RESETMFA/', 'POST /users/{id}/resetMfa'],
    ['POST', '/users/42/resetmfa;x=1', 'POST /users/{id}/resetMfa'],
    ['GET', '/reports/7.json', 'GET /reports/{id}.json'],
    ['GET', '/reports/7.csv', 'GET /reports/{id}.csv'],
    ['GET', '/reports/7.xml', 'GET /reports/{id}'],
    ['GET', '/users/things/9', 'GET /{tenant}/things/{id}'],
    ['DELETE', '/users/42', 'unknown.delete'],
    ['GET', '/nowhere', 'unknown.get'],
    ['BREW', '/users', 'unknown.brew'],
  ])('%s %s is %s', (method, path, name) => {
    expect(match(method, path).name).toBe(name);
  });

  it('that no catalog knows has a privilege by method: writes and deletes are not reads', () => {
    expect(['GET', 'POST', 'DELETE'].map((method) => match(method, '/x').privilege)).toEqual([1, 2, 3]);
  });

  it('is found quickly however deep and wide the catalog', () => {
    const segments = Array.from({ length: 24 }, (_, i) => `s${i}`);
    const deep = new Catalog(
      Array.from({ length: 200 }, (_, n) =>
        operation(`GET /${segments.map((each, i) => ((n >> (i % 8)) & 1 ? '{p}' : each)).join('/')}/end${n}`),
      ),
    );
    const startedMs = performance.now();
    expect(deep.match('GET', [...segments, 'nowhere']).name).toBe('unknown.get');
    expect(performance.now() - startedMs).toBeLessThan(50);
  });
});
