import type { Operation } from '../core/observation.js';
import { segmentPattern } from '../core/path-pattern.js';
import { placeholderOf } from './id-shape.js';

export const OBJECTS_MAX = 16;
export const OBJECT_CHARS_MAX = 128;

/** Where the parameters of a template stand. */
type Slot =
  | { readonly kind: 'whole'; readonly at: number }
  | { readonly kind: 'rest'; readonly at: number }
  | { readonly kind: 'part'; readonly at: number; readonly pattern: RegExp };

/** Kept as long as the operation itself: no bound of its own. */
const slotsOf = new WeakMap<Operation, readonly Slot[] | undefined>();

/**
 * The objects that a path names: the values of its template's parameters, in the order of the path; where the
 * operation has no template, the segments that look like ids. At most 16 of at most 128 characters.
 * @param segments normalised, as `parseTarget` gives them
 */
export function objectsOf(operation: Operation, segments: readonly string[]): string[] {
  let slots = slotsOf.get(operation);
  if (slots === undefined && !slotsOf.has(operation)) {
    slots = readSlots(operation.template);
    slotsOf.set(operation, slots);
  }
  if (slots === undefined) return objectsByShape(segments);
  const objects: string[] = [];
  for (const slot of slots) {
    const segment = segments[slot.at];
    if (segment === undefined || objects.length >= OBJECTS_MAX) break;
    if (slot.kind === 'whole') objects.push(bounded(segment));
    else if (slot.kind === 'rest') objects.push(bounded(segments.slice(slot.at).join('/')));
    else objects.push(...(slot.pattern.exec(segment)?.slice(1) ?? []).map(bounded));
  }
  return objects.length > OBJECTS_MAX ? objects.slice(0, OBJECTS_MAX) : objects;
}

function objectsByShape(segments: readonly string[]): string[] {
  const objects: string[] = [];
  for (let at = 0; at < segments.length && objects.length < OBJECTS_MAX; at += 1) {
    const segment = segments[at] as string;
    if (placeholderOf(segment, at) !== undefined) objects.push(bounded(segment));
  }
  return objects;
}

/** Undefined for an operation that has a method or a name only. */
function readSlots(template: string): Slot[] | undefined {
  const from = template.indexOf(' /');
  if (from === -1) return undefined;
  return template
    .slice(from + 1)
    .split('/')
    .filter((segment) => segment !== '')
    .flatMap((segment, at): Slot[] => {
      if (/^\{[^{}]*\+\}$/.test(segment)) return [{ kind: 'rest', at }];
      if (/^\{[^{}]*\}$/.test(segment)) return [{ kind: 'whole', at }];
      return segment.includes('{')
        ? [{ kind: 'part', at, pattern: segmentPattern(segment.toLowerCase()) }]
        : [];
    });
}

function bounded(text: string): string {
  return text.length > OBJECT_CHARS_MAX ? text.slice(0, OBJECT_CHARS_MAX) : text;
}
