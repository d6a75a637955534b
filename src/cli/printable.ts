import { stripVTControlCharacters } from 'node:util';
import { seen } from '../core/unseen.js';

/** What came from outside, without anything that a terminal would obey. */
export function printable(text: string): string {
  return seen(stripVTControlCharacters(text), '?');
}
