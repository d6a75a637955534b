import type { KeyRecord } from '../core/key.js';
import { canonicalJson } from '../wire/canonical-json.js';

/** Whether two keys may do the same, in whatever order it is written. */
export function sameLimits(a: KeyRecord['limits'] | undefined, b: KeyRecord['limits']): boolean {
  return a !== undefined && canonicalJson(a) === canonicalJson(b);
}
