import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUILT_IN_CATALOGS, loadCatalog, readCatalog } from '../src/catalogs/load.js';
import type { CatalogOperation } from '../src/catalogs/match.js';
import { objectsOf } from '../src/catalogs/objects.js';
import { parseTarget } from '../src/wire/request-target.js';

const docs = readFileSync(new URL('../docs/catalogs.md', import.meta.url), 'utf8').replace(/ +/g, ' ');

const value = fc.stringMatching(/^[a-z0-9][a-zA-Z0-9_~@-]{0,30}$/);

/** The path with its parameters filled in, in random letter case and with a slash too many. */
function spelled(path: string, values: readonly string[], upper: readonly boolean[], slash: boolean) {
  let at = 0;
  const filled = path.replace(/\{[^{}]*?(\+?)\}/g, (_, plus: string) => {
    const one = values[at++ % values.length] as string;
    return plus === '' ? one : `${one}/${one}`;
  });
  const cased = [...filled].map((each, i) => (upper[i % upper.length] ? each.toUpperCase() : each)).join('');
  return slash ? `${cased}/` : cased;
}

/** The shape of a template as the matcher sees it. */
const shape = (operation: Pick<CatalogOperation, 'method' | 'path'>) =>
  `${operation.method} ${operation.path?.replace(/\{[^{}+]*\}/g, '{}').toLowerCase()}`;

describe.each(BUILT_IN_CATALOGS)('the catalog %s', (name) => {
  const file = readCatalog(name);
  const catalog = loadCatalog(name);
  const withPath = file.operations.filter(({ path }) => path !== undefined);

  it('names its origin and licence, and gives every operation a reason', () => {
    expect(file.origin).toBeTruthy();
    expect(file.licence).toBeTruthy();
    expect(file.operations.filter(({ reason }) => !reason)).toEqual([]);
  });

  it('opens nothing to callers without a key, but public metadata', () => {
    const open = file.operations.filter(({ privilege }) => privilege === 0);
    expect(open.filter(({ path }) => !path?.includes('/.well-known/'))).toEqual([]);
  });

  it('is counted in the documentation', () => {
    const worst = file.operations.map(({ privilege, escalate }) => escalate?.privilege ?? privilege);
    const counts = [0, 1, 2, 3, 4].map((each) => worst.filter((privilege) => privilege === each).length);
    expect(docs).toContain(`| ${[name, file.operations.length, ...counts].join(' | ')} |`);
  });

  it('escalates only upwards', () => {
    expect(
      file.operations.filter(({ escalate, privilege }) => escalate && escalate.privilege <= privilege),
    ).toEqual([]);
  });

  it('finds every operation by its name', () => {
    for (const operation of file.operations)
      expect(catalog.byName(operation.name.toUpperCase())?.name).toBe(operation.name);
  });

  it.skipIf(withPath.length === 0)(
    'finds every operation by its path, with any values, letter case and trailing slash (aws goes by name)',
    () => {
      fc.assert(
        fc.property(
          fc.constantFrom(...withPath),
          fc.array(value, { minLength: 1, maxLength: 6 }),
          fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
          fc.boolean(),
          (operation, values, upper, slash) => {
            const target = parseTarget(spelled(operation.path as string, values, upper, slash));
            if (target.kind === 'refused') throw new Error(target.why);
            const found = catalog.match(operation.method as string, target.segments);
            const described = catalog.describe(found) as CatalogOperation;
            // A value may happen to be a literal of a sibling, which then is right.
            const sibling = shape(described) !== shape(operation);
            const literal = (described.path ?? '').toLowerCase().split('/');
            if (!sibling || !values.some((each) => literal.includes(each.toLowerCase())))
              expect(found.name).toBe(operation.name);
            if (!sibling) {
              const parameters = operation.path?.match(/\{[^{}]*\}/g)?.length ?? 0;
              expect(objectsOf(found, target.segments)).toHaveLength(parameters);
            }
          },
        ),
        { numRuns: 3_000 },
      );
    },
  );

  it.skipIf(withPath.length === 0)('finds each with the simplest values', () => {
    const wrong = withPath.filter((operation) => {
      const target = parseTarget(spelled(operation.path as string, ['zz9'], [false], false));
      return (
        target.kind === 'refused' ||
        catalog.match(operation.method as string, target.segments).name !== operation.name
      );
    });
    expect(wrong).toEqual([]);
  });
});
