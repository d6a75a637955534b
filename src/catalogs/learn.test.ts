import { describe, expect, it } from 'vitest';
import { PathTemplates } from './learn.js';

const nameOf = (templates: PathTemplates, line: string) => {
  const [method, path] = line.split(' ') as [string, string];
  return templates.templateOf(
    method,
    path.split('/').filter((segment) => segment !== ''),
  );
};

/** A word for each number, without digits. */
const word = (n: number): string =>
  (n >= 26 ? word(Math.floor(n / 26) - 1) : '') + String.fromCharCode(97 + (n % 26));

describe('templates of paths that no catalog knows', () => {
  it.each([
    ['GET /', 'GET /', []],
    ['GET /users', 'GET /users', []],
    ['GET /users/42/keys', 'GET /users/{id}/keys', ['42']],
    [
      'PUT /v1/accounts/3fa85f64-5717-4562-b3fc-2c963f66afa6',
      'PUT /v1/accounts/{id}',
      ['3fa85f64-5717-4562-b3fc-2c963f66afa6'],
    ],
    ['GET /img/logo.png', 'GET /img/{file}.png', ['logo']],
    ['brew /pots', 'OTHER /pots', []],
  ])('%s is %s', (line, name, objects) => {
    const learned = nameOf(new PathTemplates(), line);
    expect([learned.operation.name, learned.objects]).toEqual([name, objects]);
  });

  it('find ids that look like words by their number, and keep words that are used all the time', () => {
    const templates = new PathTemplates();
    for (let n = 0; n < 100; n += 1) {
      nameOf(templates, 'GET /users/me/keys');
      nameOf(templates, `GET /users/${word(1_000 + n)}/keys`);
    }
    expect(nameOf(templates, 'GET /users/me/keys').operation.name).toBe('GET /users/me/keys');
    expect(nameOf(templates, 'GET /users/somebody/keys')).toMatchObject({
      operation: { name: 'GET /users/{id}/keys' },
      objects: ['somebody'],
    });
  });

  it('keep the resources at the root, whatever somebody probes', () => {
    const templates = new PathTemplates();
    const resources = Array.from({ length: 30 }, (_, n) => word(500 + n));
    for (let round = 0; round < 25; round += 1)
      for (const each of resources) nameOf(templates, `GET /${each}/list`);
    for (let n = 0; n < 300; n += 1) nameOf(templates, `GET /${word(9_000 + n)}`);
    for (const each of resources)
      expect(nameOf(templates, `GET /${each}/list`).operation.name).toBe(`GET /${each}/list`);
    expect(nameOf(templates, 'GET /anything').operation.name).toBe('GET /{id}');
  });

  it('keep the resources of a large API apart', () => {
    const templates = new PathTemplates();
    const resources = Array.from({ length: 120 }, (_, n) => word(500 + n));
    for (let round = 0; round < 25; round += 1)
      for (const each of resources.slice(0, 20 + round * 4)) nameOf(templates, `GET /api/${each}`);
    expect(nameOf(templates, `GET /api/${resources[3]}`).operation.name).toBe(`GET /api/${resources[3]}`);
  });

  it('carry a privilege by method and words', () => {
    const privilegeOf = (line: string) => nameOf(new PathTemplates(), line).operation.privilege;
    expect([
      privilegeOf('GET /users/1'),
      privilegeOf('POST /users/1/mfa/reset'),
      privilegeOf('DELETE /a/1'),
    ]).toEqual([1, 4, 3]);
  });

  it('end in the rest where nothing more is kept', () => {
    const templates = new PathTemplates({ nodesMax: 4 });
    nameOf(templates, 'GET /a/b/c');
    expect(nameOf(templates, 'GET /a/b/x/y')).toMatchObject({
      operation: { name: 'GET /a/b/{rest+}' },
      objects: ['x/y'],
    });
    expect(nameOf(templates, 'GET /z').operation.name).toBe('GET /{rest+}');
  });
});
