import type { OperationRules } from '../core/key.js';
import { mayMatch } from '../core/scope.js';
import type { Upstream } from './routing.js';

type Known = Pick<Upstream, 'name' | 'catalog'>;

/**
 * Rules that match no operation of the catalogs in force: a word misspelt, most likely, and a `deny` that stops nothing.
 * Paths are only told where every upstream has a catalog: the others take any.
 * @param names of the upstreams that the key opens; empty: all
 */
export function unmatchedRules(
  { allow = [], deny = [] }: OperationRules,
  names: readonly string[],
  upstreams: readonly Known[],
): string[] {
  const opened = upstreams.filter(({ name }) => names.length === 0 || names.includes(name));
  const catalogs = opened.map(({ catalog }) => catalog);
  const complete = catalogs.every(({ size }) => size > 0);
  return [...new Set([...allow, ...deny])].filter((rule) => {
    if (rule.includes(' ') ? !complete : mayBeUnknown(rule)) return false;
    return !catalogs.some(({ operations }) =>
      operations.some(({ name, method, path }) =>
        mayMatch(rule, { name, template: method === undefined ? name : `${method} ${path}`, privilege: 0 }),
      ),
    );
  });
}

/** What no catalog knows is called `unknown.get` and so on. */
function mayBeUnknown(rule: string): boolean {
  return mayMatch(rule, { name: 'unknown.x', template: 'X', privilege: 0 }) || /^unknown\./i.test(rule);
}
