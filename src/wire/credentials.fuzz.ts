import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CredentialSource,
  presentedCredential,
  withoutCookie,
  withoutParameter,
} from './credentials.js';

const word = fc.string({ minLength: 1, maxLength: 24, unit: fc.constantFrom(...'abcXYZ019-_') });
const sources: CredentialSource[] = [
  { in: 'header', name: 'x-api-key' },
  { in: 'authorization', scheme: 'Bearer' },
  { in: 'basic', part: 'password' },
  { in: 'query', name: 'key' },
  { in: 'cookie', name: 'k' },
];

/** A request that presents `credential` in one place. */
function request(source: CredentialSource, credential: string): { headers: string[]; query: string } {
  const basic = Buffer.from(`user:${credential}`).toString('base64');
  switch (source.in) {
    case 'header':
      return { headers: ['X-Api-Key', credential], query: '' };
    case 'authorization':
      return { headers: ['Authorization', `bearer ${credential}`], query: '' };
    case 'basic':
      return { headers: ['AUTHORIZATION', `Basic ${basic}`], query: '' };
    case 'query':
      return { headers: [], query: `?a=1&key=${encodeURIComponent(credential)}&b` };
    case 'cookie':
      return { headers: ['Cookie', `a=1; k=${credential}; b=2`], query: '' };
  }
}

describe('credentials', () => {
  it('are found wherever one place holds them; two different ones are ambiguous', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...sources),
        fc.constantFrom(...sources),
        word,
        word,
        (first, second, one, other) => {
          const a = request(first, one);
          expect(presentedCredential(sources, a.headers, a.query)).toMatchObject({
            kind: 'one',
            credential: one,
          });
          const b = request(second, other);
          const headers = [...a.headers, ...b.headers];
          const query = [a.query, b.query].filter((each) => each !== '').join('&');
          const kind = one === other ? 'one' : 'ambiguous';
          expect(presentedCredential(sources, headers, query).kind).toBe(kind);
        },
      ),
    );
  });

  it('of any bytes never throw', () => {
    const value = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'k=; "%&?:B earsic') }));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 4 }), value, (values, query) => {
        const headers = values.flatMap((each) => ['Authorization', each, 'Cookie', each, 'x-api-key', each]);
        expect(['none', 'one', 'ambiguous']).toContain(
          presentedCredential(sources, headers, `?${query}`).kind,
        );
      }),
    );
  });

  it('taken out of a query or a cookie are gone, and the rest is as it was', () => {
    const pair = fc.tuple(fc.constantFrom('a', 'key', 'KEY', 'k', 'keys'), word);
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 6 }), (pairs) => {
        const text = pairs.map(([name, value]) => `${name}=${value}`);
        const query = text.length === 0 ? '' : `?${text.join('&')}`;
        const kept = text.filter((each) => !each.startsWith('key='));
        expect(withoutParameter(query, 'key')).toBe(kept.length === 0 ? '' : `?${kept.join('&')}`);
        const cookies = text.filter((each) => !each.startsWith('k='));
        expect(withoutCookie(text.join('; '), 'k') ?? '').toBe(text.length === 0 ? '' : cookies.join('; '));
      }),
    );
  });

  it('hidden by an encoded parameter name are found and taken out all the same', () => {
    expect(presentedCredential(sources, [], '?k%65y=abc').kind).toBe('one');
    expect(withoutParameter('?a=1&k%65y=abc', 'key')).toBe('?a=1');
  });
});
