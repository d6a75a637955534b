import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OperationRules } from './key.js';
import type { Operation } from './observation.js';
import { checkOperation, checkWindows, compileOperations, inWindow, ruleFault } from './scope.js';

const operation = (name: string, template = 'GET /x', privilege: Operation['privilege'] = 2): Operation => ({
  name,
  template,
  privilege,
});
const allowed = (rules: OperationRules, op: Operation, path = '/x') => {
  const compiled = compileOperations(rules);
  return compiled === undefined || checkOperation(compiled, { operation: op, path }) === undefined;
};

describe('operation rules', () => {
  it.each([
    ['users.update', 'users.update', true],
    ['USERS.Update', 'users.update', true],
    ['users.*', 'users.update', true],
    ['users.*', 'usersx.update', false],
    ['*', 'anything', true],
    ['*.list', 'users.list', true],
    ['u*s.*t', 'users.list', true],
    ['u*u*u', 'uu', false],
    ['users', 'users.update', false],
  ])('%s and %s: %s', (pattern, name, expected) => {
    expect(allowed({ allow: [pattern] }, operation(name))).toBe(expected);
    expect(allowed({ deny: [pattern] }, operation(name))).toBe(!expected);
  });

  it('by method and template, whatever the parameters are called', () => {
    const op = operation('x', 'PUT /api/users/{id}');
    const path = '/api/users/42';
    expect(allowed({ allow: ['PUT /API/users/{userId}/'] }, op, path)).toBe(true);
    expect(allowed({ allow: ['GET /api/users/{id}'] }, op, path)).toBe(false);
  });

  it.each([
    ['DELETE /users/{rest+}', true],
    ['DELETE /{rest+}', true],
    ['* /users/{id}/keys/{key}', true],
    ['DELETE /users/{id}', false],
    ['DELETE /users/{id}/keys/{rest+}', true],
    ['DELETE /users/{id}/keys/7/{rest+}', false],
    ['DELETE /users/anna/keys/{key}', true],
    ['DELETE /users/berta/keys/{key}', false],
    ['DELETE /users/{id}/{kind}/{key}', false],
    ['DELETE /users/a{x}a/keys/{key}', true],
  ])("%s and a catalog's DELETE /users/{user}/keys/{key} of anna: %s", (pattern, expected) => {
    const op = operation('users.keys.delete', 'DELETE /users/{user}/keys/{key}');
    expect(allowed({ deny: [pattern] }, op, '/Users/anna/keys/7')).toBe(!expected);
  });

  it.each([
    ['GET /users/{id}', 'GET', '/Users/anna', true],
    ['get /users/{id}/', 'GET', '/users//anna;v=1', true],
    ['GET /users/{id}', 'GET', '/users/anna%2Fkeys', true],
    ['GET /users/{id}', 'GET', '/users/anna/keys', false],
    ['GET /users/{id}', 'GET', '/users', false],
    ['GET /users/{id}', 'POST', '/users/anna', false],
    ['GET /users/{id}', 'HEAD', '/users/anna', true],
    ['HEAD /users/{id}', 'GET', '/users/anna', false],
    ['GET /users/{id}', 'get', '/users/anna', true],
    ['GET /users/anna', 'GET', '/users/berta', false],
    ['GET /files/{rest+}', 'GET', '/files/a/b', true],
    ['GET /files/{rest+}', 'GET', '/files', false],
    ['GET /files/{file}.png', 'GET', '/files/a.png', true],
    ['GET /files/{file}.png', 'GET', '/files/aXpng', false],
    ['GET /', 'GET', '/', true],
    ['GET /caf%C3%A9', 'GET', '/Café', true],
    ['GET /{a}-{b}-{c}.x', 'GET', '/1-2-3.x', true],
    ['GET /{a}-{b}-{c}.x', 'GET', '/--.x', false],
    ['* /users/{id}', 'PURGE', '/users/anna', true],
    ['unknown.get', 'GET', '/anything', true],
  ])('%s and a %s %s that no catalog knows: %s', (pattern, method, path, expected) => {
    const unknown = operation(`unknown.${method.toLowerCase()}`, method);
    expect(allowed({ allow: [pattern] }, unknown, path)).toBe(expected);
    expect(allowed({ deny: [pattern] }, unknown, path)).toBe(!expected);
  });

  it("a catalog's operation is itself, not every path that fits", () => {
    const me = operation('users.me', 'GET /users/me');
    expect(allowed({ allow: ['GET /users/{id}'] }, me, '/users/me')).toBe(false);
  });

  it('deny wins over allow, and privilegeMax over both', () => {
    expect(allowed({ allow: ['*'], deny: ['a'] }, operation('a'))).toBe(false);
    expect(allowed({ allow: ['a'], privilegeMax: 1 }, operation('a'))).toBe(false);
    expect(allowed({}, operation('a'))).toBe(true);
  });

  it('of any text take no more than linear time', () => {
    const long = 'a'.repeat(512);
    const startedMs = performance.now();
    for (let i = 0; i < 100; i += 1) allowed({ allow: [`${'*a'.repeat(200)}b`] }, operation(long));
    expect(performance.now() - startedMs).toBeLessThan(500);
  });

  it.each([
    ['DELETE /users/*', 'DELETE /users/*": write {id} for one segment'],
    ['GET /a/{rest+}/b', '{rest+} can only be the last segment'],
    ['GET /a?b=c', 'a path has no ?'],
    ['GET  /users', 'a path begins with /'],
    ['GET users', 'a path begins with /'],
    ['GET /us ers', 'a path has no blank'],
    ['/users', 'begins with its method: GET /users'],
    ['GET /a/../b', 'dot segments'],
    ['GET /a%00', 'control characters'],
    ['GET /a%3Bb', 'has no ;, encoded'],
    ['GET /a%2fb', 'an encoded slash'],
    ['GET /a%zz', 'a broken percent-encoding'],
    ['GET /a;v=1', 'a path has no ;'],
    ['GET /users/{id', 'a brace without its other half'],
    ['GET /{a}{b}', 'two parameters with nothing between'],
    ['G(T /users', 'is neither a name nor'],
    ['users\n', 'is no name'],
  ])('%s is no rule, for nothing could match it', (pattern, fault) => {
    expect(`"${pattern}": ${ruleFault(pattern)}`).toContain(fault);
  });

  it.each([
    'users.*',
    '*',
    'repos/get',
    '(nothing)',
    'GET /',
    '* /a/{b}/{c+}',
    'GET /a.{ext}',
    'get /a%20b/',
  ])('%s is a rule', (pattern) => {
    expect(ruleFault(pattern)).toBeUndefined();
  });

  it('a rule without a fault matches some path: its own, with any text for parameters', () => {
    const segment = fc.oneof(
      fc.constantFrom(
        '{id}',
        'a{b}',
        '{a}.{b}',
        'Users',
        '%C3%A9',
        'x*',
        '%2e',
        '%00',
        '%3b',
        '..',
        '{',
        'a;b',
        '%',
      ),
      fc.string({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 4 }), fc.boolean(), (parts, rest) => {
        const path = `/${parts.join('/')}${rest ? '/{rest+}' : ''}`;
        if (ruleFault(`GET ${path}`) !== undefined) return;
        const filled = path.replace(/\{[^{}]*\}/g, 'x');
        expect(allowed({ deny: [`GET ${path}`] }, operation('unknown.get', 'GET'), filled)).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('match as a regular expression would', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
    fc.assert(
      fc.property(text, name, (pattern, of) => {
        const source = pattern.replaceAll('.', '\\.').replaceAll('*', '.*');
        expect(allowed({ allow: [pattern] }, operation(of))).toBe(new RegExp(`^${source}$`).test(of));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('time windows', () => {
  const at = (iso: string) => Date.parse(iso);

  it('hold in their own time zone, across its change of clocks', () => {
    const office = { from: '08:00', to: '18:00', timeZone: 'Europe/Berlin' };
    expect(inWindow(office, at('2026-01-15T07:00:00Z'))).toBe(true);
    expect(inWindow(office, at('2026-01-15T06:59:00Z'))).toBe(false);
    expect(inWindow(office, at('2026-07-15T06:00:00Z'))).toBe(true);
    expect(inWindow(office, at('2026-07-15T16:00:00Z'))).toBe(false);
  });

  it('over midnight belong to the day on which they begin', () => {
    const night = { days: ['fri' as const], from: '22:00', to: '04:00' };
    expect(inWindow(night, at('2026-11-27T23:00:00Z'))).toBe(true);
    expect(inWindow(night, at('2026-11-28T03:59:00Z'))).toBe(true);
    expect(inWindow(night, at('2026-11-28T04:00:00Z'))).toBe(false);
    expect(inWindow(night, at('2026-11-27T03:00:00Z'))).toBe(false);
  });

  it('say when the key may be used', () => {
    const verdict = checkWindows([{ from: '08:00', to: '09:00' }], at('2026-11-27T23:00:00Z'));
    expect(verdict).toMatchObject({ decision: 'deny', status: 403, reason: { code: 'time_window' } });
    expect(checkWindows([], 0)).toBeUndefined();
  });
});
