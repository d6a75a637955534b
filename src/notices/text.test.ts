import { describe, expect, it } from 'vitest';
import type { KeyFacts } from './facts.js';
import { summaryOf } from './text.js';

const key = (id: string, used: boolean): KeyFacts => ({
  ...{ id, name: id, principal: 'p', objects: [], bytesOut: 0, places: [], measures: [] },
  operations: used
    ? [{ name: 'users.list', privilege: 1, succeeded: 1, refused: 0, firstMs: 0, lastMs: 0 }]
    : [],
});

describe('summaryOf', () => {
  it('says of a key that nobody used that it is suspect, not that it was used', () => {
    const facts = {
      incident: 'i',
      tenant: 't',
      touched: true,
      grounds: [],
      keys: [key('a', true), key('b', false)],
    };
    expect(summaryOf(facts)).toContain('used 1 API key of your organisation. 1 more key is suspect');
    expect(summaryOf({ ...facts, keys: [key('a', true)] })).not.toContain('suspect');
  });
});
