import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PathTemplates } from '../catalogs/learn.js';
import { checkOperation, compileOperations, ruleFault } from '../core/scope.js';
import { OwnPaths } from './own-paths.js';

type Noted = readonly [operation: string, ...objects: string[]];
const rules = (...calls: Noted[]) => {
  const paths = new OwnPaths();
  for (const [operation, ...objects] of calls) paths.note({ operation, objects });
  return paths.rules();
};
const times = (n: number, ...call: Noted): Noted[] => Array.from({ length: n }, () => call);

describe('rules for what one key has done', () => {
  it.each<[string, Noted[], string[]]>([
    ['a name', [['users.list', '5'], ['users.list']], ['users.list']],
    ['ids by their shape', times(9, 'GET /users/{id}', '42'), ['GET /users/{id}']],
    [
      'words that come once',
      [
        ['GET /users/{id}', 'anna'],
        ['GET /users/{id}', 'bert'],
      ],
      ['GET /users/{id}'],
    ],
    ['a word that is always the same', times(4, 'GET /v1/{id}/{id}', 'users', '7'), ['GET /v1/users/{id}']],
    [
      'the root, from the first call on',
      [
        ['GET /{id}/{id}', 'users', '7'],
        ['GET /{id}/{id}', 'groups', '7'],
        ['GET /{id}/{id}', '5f2c9a1b77', '7'],
      ],
      ['GET /users/{id}', 'GET /groups/{id}', 'GET /{id}/{id}'],
    ],
    [
      'the root of a path that was not learned any more',
      [
        ['GET /{rest+}', 'users/7/keys'],
        ['GET /{rest+}', 'users'],
      ],
      ['GET /users/{rest+}', 'GET /users'],
    ],
    ['parts', times(5, 'GET /img/{file}.png/{id}', 'a', 'x*'), ['GET /img/{file}.png/x%2a']],
    ['nothing where the journal was cut', times(5, 'GET /{id}', 'a'.repeat(128)), ['GET /{id}']],
  ])('%s', (_, calls, expected) => {
    expect(rules(...calls)).toEqual(expected);
  });

  it('stay few, and allow what came late, for a key of very many words', () => {
    const word = (n: number) => [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
    const users = Array.from({ length: 400 }, (_, n): Noted => ['GET /{id}/{id}', 'users', word(n)]);
    expect(rules(...users, ['GET /{id}/{id}', 'groups', 'x'])).toEqual([
      'GET /users/{id}',
      'GET /groups/{id}',
    ]);
    const roots = Array.from({ length: 400 }, (_, n): Noted => ['GET /{id}/{id}', word(n), 'x']);
    expect(rules(...roots)).toEqual(['GET /{id}/{id}']);
    expect(
      rules(['GET /{rest+}', 'a'], ...roots.map(([, root]): Noted => ['GET /{rest+}', `${root}/b`])),
    ).toEqual(['GET /{rest+}']);
  });

  it('have no fault, and allow every call that they were made from, whatever was learned meanwhile', () => {
    const segment = fc.oneof(
      fc.constantFrom('users', 'v1', '42', 'me', 'a*b', 'x.png', 'anna@example.org', 'é', 'a b', '{x}'),
      fc.string({ minLength: 1, maxLength: 3 }).filter((text) => !/[;/\\.%\p{C}]/u.test(text)),
    );
    const path = fc.array(segment, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(path, { minLength: 1, maxLength: 60 }), (asked) => {
        const templates = new PathTemplates({ wordsSoft: 3, wordsMax: 8, nodesMax: 40, depthMax: 3 });
        const own = new OwnPaths();
        const paths = asked.map((segments) => segments.map((each) => each.toLowerCase()));
        for (const segments of paths) {
          const { operation, objects } = templates.templateOf('GET', segments);
          own.note({ operation: operation.name, objects });
        }
        const made = own.rules();
        for (const rule of made) expect(ruleFault(rule)).toBeUndefined();
        const compiled = compileOperations({ allow: made });
        for (const segments of paths) {
          const operation = { name: 'unknown.get', template: 'GET', privilege: 1 as const };
          const target = `/${segments.map(encodeURIComponent).join('/')}`;
          expect(compiled && checkOperation(compiled, { operation, path: target })).toBeUndefined();
        }
      }),
      { numRuns: 500 },
    );
  });
});
