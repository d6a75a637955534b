import type { Directory } from './directory.js';
import { badRequest, notFound } from './failures.js';
import { isId } from './ids.js';
import { type Document, isObject, type Json, type JsonObject, type Kind, type Link } from './model.js';

/** What may be tied to what; ties have no direction. */
const TIES: readonly (readonly [Kind, readonly Kind[]])[] = [
  ['user', ['system', 'system_group', 'application', 'ldap_server']],
  ['user_group', ['system', 'system_group', 'application', 'ldap_server']],
  ['command', ['system', 'system_group']],
  ['policy', ['system', 'system_group']],
];
/** Groups have members; they are ties too, under `/members`. */
const MEMBERS: Partial<Record<Kind, Kind>> = { user_group: 'user', system_group: 'system' };
const GROUP_OF: Partial<Record<Kind, Kind>> = { user: 'user_group', system: 'system_group' };

export function memberKind(group: Kind): Kind {
  const kind = MEMBERS[group];
  if (kind === undefined) throw notFound();
  return kind;
}

export function groupKind(member: Kind): Kind | undefined {
  return GROUP_OF[member];
}

function mayTie(a: Kind, b: Kind): boolean {
  return TIES.some(([from, to]) => (from === a && to.includes(b)) || (from === b && to.includes(a)));
}

export interface Tie {
  readonly op: 'add' | 'remove' | 'update';
  readonly type: Kind;
  readonly id: string;
  readonly attributes: JsonObject | null;
}

/** @throws {Failure} 400 */
export function readTie(body: unknown): Tie {
  if (!isObject(body)) throw badRequest('Invalid body');
  const { op, type, id, attributes = null } = body;
  if (op !== 'add' && op !== 'remove' && op !== 'update') throw badRequest('Invalid op');
  if (typeof type !== 'string') throw badRequest('Invalid type');
  if (typeof id !== 'string' || !isId(id)) throw badRequest('Invalid id');
  if (attributes !== null && !isObject(attributes)) throw badRequest('Invalid attributes');
  return { op, type: type as Kind, id, attributes };
}

/**
 * Adds, changes or removes a tie. Both sides must be the caller's: an id of another organisation is not found.
 * @throws {Failure} 400, 404
 */
export function tie(
  directory: Directory,
  from: { kind: Kind; id: string },
  to: Tie,
  members: boolean,
): Promise<void> {
  const fits = members ? MEMBERS[from.kind] === to.type : mayTie(from.kind, to.type);
  if (!fits) throw badRequest('Invalid type');
  return directory.change(() => {
    const source = directory.get(from.kind, from.id);
    if (members && isAutomatic(source)) throw badRequest('The query of the group says who is in it');
    const target = directory.get(to.type, to.id);
    const known = directory.tenant.link(from.kind, from.id, to.type, to.id);
    if (to.op === 'add' && known !== undefined && to.attributes === null) return;
    if (to.op !== 'add' && known === undefined) throw notFound();
    setTie(directory, { kind: from.kind, document: source }, to, target, 'manual');
  });
}

/** Inside a change. */
export function setTie(
  directory: Directory,
  from: { kind: Kind; document: Document },
  to: Tie,
  target: Document,
  source: 'manual' | 'automated',
): void {
  const { kind, document } = from;
  if (to.op === 'remove') directory.tenant.removeLink(kind, document._id, to.type, to.id);
  else directory.tenant.putLink(kind, document._id, to);
  directory.record({
    type: 'association_change',
    association: {
      op: to.op,
      action_source: source,
      attributes: to.attributes,
      connection: { from: end(kind, document), to: end(to.type, target) },
    },
  });
}

/** Whether a group's query, and nobody's hand, says who is in it. */
export function isAutomatic(group: JsonObject): boolean {
  return group.membershipMethod === 'DYNAMIC_AUTOMATED';
}

function end(type: Kind, document: JsonObject): JsonObject {
  const name = document.name ?? document.username ?? document.displayName ?? null;
  return { type, object_id: document._id ?? null, name };
}

export function asTargets(links: readonly Link[]): JsonObject[] {
  return links.map(({ type, id, attributes }) => ({ to: { type, id, attributes }, attributes }));
}

export interface Reached extends JsonObject {
  readonly id: string;
  readonly type: string;
  readonly compiledAttributes: JsonObject | null;
  readonly paths: readonly Json[];
}

/**
 * Everything of one kind that an object reaches: from itself or a group it is in, over one tie, to the object or to
 * the members of the group at the other end. Never further: a command on a group of devices must not reach others
 * over the people of those devices.
 */
export function reach(directory: Directory, kind: Kind, id: string, target: Kind): Reached[] {
  directory.get(kind, id);
  const found = new Map<string, (readonly Link[])[]>();
  for (const path of paths(directory, kind, id, target)) {
    const reached = path.at(-1);
    if (reached === undefined) continue;
    found.set(reached.id, [...(found.get(reached.id) ?? []), path]);
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([reached, ways]) => ({
      id: reached,
      type: target,
      compiledAttributes: compiled(ways),
      paths: ways.map((way) =>
        way.map(({ type, id: to, attributes }) => ({ to: { type, id: to, attributes: null }, attributes })),
      ),
    }));
}

function* paths(directory: Directory, kind: Kind, id: string, target: Kind): Generator<readonly Link[]> {
  const { tenant } = directory;
  // Membership alone: the groups of a member, the members of a group.
  if (MEMBERS[kind] === target || GROUP_OF[kind] === target) {
    for (const link of tenant.links(kind, id, target)) yield [link];
    return;
  }
  const group = GROUP_OF[kind];
  const groups = group === undefined ? [] : tenant.links(kind, id, group);
  const sources = [{ type: kind as string, id, before: [] as Link[] }];
  for (const link of groups) sources.push({ type: link.type, id: link.id, before: [link] });
  for (const source of sources) {
    for (const tied of tenant.links(source.type, source.id)) {
      const type = tied.type as Kind;
      if (!mayTie(source.type as Kind, type)) continue;
      if (type === target) yield [...source.before, tied];
      if (MEMBERS[type] !== target) continue;
      for (const member of tenant.links(type, tied.id, target)) yield [...source.before, tied, member];
    }
  }
}

function compiled(ways: readonly (readonly Link[])[]): JsonObject | null {
  const merged: JsonObject = Object.assign({}, ...ways.flat().map(({ attributes }) => attributes ?? {}));
  return Object.keys(merged).length > 0 ? merged : null;
}
