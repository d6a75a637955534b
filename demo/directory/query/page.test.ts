import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listQuery, select } from './page.js';

const documents = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const id = i.toString(16).padStart(24, '0');
    return { _id: id, id, group: i % 7, name: `user ${(i * 37) % count}` };
  });
const ask = (count: number, query: string) =>
  select(documents(count), listQuery(new URLSearchParams(query), 1), ['name']);

describe('pages', () => {
  it('together hold everything once, in every order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 250 }),
        fc.integer({ min: 1, max: 150 }),
        fc.constantFrom('', '_id', '-name', 'group', 'group -name', '-absent'),
        (count, limit, sort) => {
          const seen: unknown[] = [];
          for (;;) {
            const { total, page } = ask(count, `limit=${limit}&skip=${seen.length}&sort=${sort}`);
            expect(total).toBe(count);
            if (page.length === 0) break;
            expect(page.length).toBeLessThanOrEqual(Math.min(limit, 100));
            seen.push(...page.map(({ _id }) => _id));
          }
          expect(new Set(seen).size).toBe(count);
          expect(seen.length).toBe(count);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    ['', 10],
    ['limit=0', 10],
    ['limit=5', 5],
    ['limit=100', 100],
    ['limit=5000', 100],
    ['skip=100000', 0],
  ])('of %j hold %i', (query, length) => {
    expect(ask(300, query).page).toHaveLength(length);
  });

  it.each([
    'limit=-1',
    'limit=1e3',
    'limit=abc',
    'skip=-5',
    'skip=0x10',
    'sort=$where',
    'fields=__proto__',
    'sort=a.constructor',
  ])('refuse %j', (query) => {
    expect(() => ask(3, query)).toThrow('Invalid');
  });

  it('show the fields asked for, and the ids', () => {
    expect(Object.keys(ask(3, 'fields=name').page[0] ?? {})).toEqual(['_id', 'id', 'name']);
    expect(Object.keys(ask(3, 'fields=name group').page[0] ?? {})).toEqual(['_id', 'id', 'group', 'name']);
  });

  it('sort numbers as numbers', () => {
    expect(ask(20, 'sort=-group&limit=1').page[0]?.group).toBe(6);
  });

  it('search where they are told to', () => {
    expect(ask(30, 'search=USER 29').total).toBe(1);
    expect(ask(30, 'search[searchTerm]=3&search[fields]=group').total).toBe(4);
  });
});
