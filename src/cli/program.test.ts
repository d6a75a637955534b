import { describe, expect, it } from 'vitest';
import { programFor } from './program.js';

describe('the command line', () => {
  it('has each command alone as it has it among all', async () => {
    const all = (await programFor(undefined)).commands.map((each) => each.name());
    expect(all.length).toBeGreaterThan(15);
    expect(new Set(all).size).toBe(all.length);
    for (const name of all) {
      const some = (await programFor(name)).commands.map((each) => each.name());
      expect(some).toContain(name);
      expect(some.length).toBeLessThan(all.length / 2);
    }
    expect((await programFor('nonsense')).commands.map((each) => each.name())).toEqual(all);
  });
});
