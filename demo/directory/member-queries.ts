import type { Directory } from './directory.js';
import { badRequest } from './failures.js';
import { groupKind, isAutomatic, memberKind, setTie } from './graph.js';
import { type Document, isObject, type Kind } from './model.js';
import { type Filter, matches, parseFilter, parseTerm } from './query/filter.js';

/** Groups whose members are found by a query (`DYNAMIC_AUTOMATED`): kept true at every change of either side. */

/** Inside a change. @throws {Failure} 400 */
export function followQuery(directory: Directory, kind: Kind, group: Document): void {
  if (!isAutomatic(group)) return;
  const member = memberKind(kind);
  for (const each of directory.tenant.all(member)) place(directory, kind, group, member, each);
}

export function placeInGroups(directory: Directory, kind: Kind, member: Document): void {
  const group = groupKind(kind);
  if (group === undefined) return;
  for (const each of directory.tenant.all(group).filter(isAutomatic))
    place(directory, group, each, kind, member);
}

function place(
  directory: Directory,
  kind: Kind,
  group: Document,
  memberKindOf: Kind,
  member: Document,
): void {
  const exempt = Array.isArray(group.memberQueryExemptions) ? group.memberQueryExemptions : [];
  const wanted =
    matches(readMemberQuery(group.memberQuery), member) &&
    !exempt.some((each: unknown) => isObject(each) && each.id === member._id);
  const is = directory.tenant.link(kind, group._id, memberKindOf, member._id) !== undefined;
  if (wanted === is) return;
  const tie = { op: wanted ? ('add' as const) : ('remove' as const), type: memberKindOf, id: member._id };
  setTie(directory, { kind, document: group }, { ...tie, attributes: null }, member, 'automated');
}

/**
 * `{queryType: 'FilterQuery', filters: [{field, operator, value}]}`; newer clients send the filters as text
 * (`field:eq:value`, or JSON of the list). All must hold; a query without any finds nobody.
 * @throws {Failure} 400
 */
export function readMemberQuery(query: unknown): Filter {
  if (!isObject(query)) throw badRequest('memberQuery is required');
  const filters = typeof query.filters === 'string' ? readJson(query.filters) : query.filters;
  if (!Array.isArray(filters)) throw badRequest('Invalid memberQuery');
  if (filters.length === 0) return { kind: 'or', of: [] };
  const terms = filters.map((each: unknown) => {
    if (!isObject(each)) return parseFilter(each);
    const { field, operator, value } = each;
    if (typeof field !== 'string' || typeof operator !== 'string' || isObject(value))
      throw badRequest('Invalid memberQuery');
    const text = Array.isArray(value) ? value.join('|') : String(value ?? '');
    return parseTerm(`${field}:${operator}:${text}`);
  });
  return { kind: 'and', of: terms };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest('Invalid memberQuery');
  }
}
