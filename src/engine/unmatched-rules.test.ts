import { describe, expect, it } from 'vitest';
import { Catalog } from '../catalogs/match.js';
import { unmatchedRules } from './unmatched-rules.js';

const catalog = new Catalog([
  { name: 'users.delete', method: 'DELETE', path: '/users/{id}', privilege: 3 },
  { name: 'users.me', method: 'GET', path: '/users/me', privilege: 1 },
  { name: 'files.get', method: 'GET', path: '/files/{path+}', privilege: 1 },
  { name: 'iam:CreateUser', privilege: 4 },
]);
const known = { name: 'known', catalog };
const unknown = { name: 'unknown', catalog: new Catalog([]) };

describe('rules that match nothing', () => {
  it.each([
    ['users.delete', false],
    ['users.delte', true],
    ['users.*', false],
    ['user.*', true],
    ['iam:createuser', false],
    ['unknown.*', false],
    ['unknown.purge', false],
    ['*', false],
    ['DELETE /users/{user}', false],
    ['DELETE /users/anna', false],
    ['delete /Users/{rest+}', false],
    ['DELETE /user/{id}', true],
    ['DELETE /users', true],
    ['POST /users/{id}', true],
    ['* /users/{id}', false],
    ['GET /users/{id}', true],
    ['HEAD /users/me', true],
    ['GET /files/a/{b}/c', false],
    ['GET /files', true],
    ['GET /{all+}', false],
  ])('%s: %s', (rule, expected) => {
    expect(unmatchedRules({ deny: [rule] }, [], [known])).toEqual(expected ? [rule] : []);
    expect(unmatchedRules({ allow: [rule] }, ['known'], [known, unknown])).toEqual(expected ? [rule] : []);
    // Where an API has no catalog, any path may be.
    const path = rule.includes(' ');
    expect(unmatchedRules({ deny: [rule] }, [], [known, unknown])).toEqual(expected && !path ? [rule] : []);
  });
});
