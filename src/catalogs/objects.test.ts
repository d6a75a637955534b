import { describe, expect, it } from 'vitest';
import { OBJECT_CHARS_MAX, OBJECTS_MAX, objectsOf } from './objects.js';

const of = (template: string, path: string) =>
  objectsOf({ name: 'x', template, privilege: 1 }, path.split('/').slice(1));

describe('the objects of a request', () => {
  it.each([
    ['GET /users/{id}/keys/{key}', '/users/anna/keys/7', ['anna', '7']],
    ['GET /users', '/users', []],
    ['GET /reports/{id}.json', '/reports/7.json', ['7']],
    ['GET /compare/{base}...{head}', '/compare/main...next', ['main', 'next']],
    ['PUT /contents/{path+}', '/contents/src/a/b.ts', ['src/a/b.ts']],
    ['GET', '/things/42/of/5f0c1d4e8a3b2c1d0e9f8a7b', ['42', '5f0c1d4e8a3b2c1d0e9f8a7b']],
    ['iam.CreateUser', '/', []],
  ])('%s of %s are %j', (template, path, objects) => {
    expect(of(template, path)).toEqual(objects);
  });

  it('are bounded in number and length', () => {
    const many = Array.from({ length: 40 }, (_, i) => `${i}${'9'.repeat(200)}`);
    const objects = of('GET', `/${many.join('/')}`);
    expect(objects.length).toBe(OBJECTS_MAX);
    expect(Math.max(...objects.map((each) => each.length))).toBe(OBJECT_CHARS_MAX);
    const rest = of('GET /a/{rest+}', `/a/${many.join('/')}`);
    expect(rest.map((each) => each.length)).toEqual([OBJECT_CHARS_MAX]);
  });
});
