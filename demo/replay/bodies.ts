import type { Objects } from '../../world/provider.js';
import type { Random } from '../../world/random.js';

/** What owners send with the operations that need a body. */
export function bodyOf(random: Random, operation: string, objects: Objects, nowMs: number): unknown {
  const make = BODIES[operation];
  if (make !== undefined) return make(random, (kind) => random.pick(objects[kind] ?? []), nowMs);
  return operation.startsWith('search.') ? { limit: 10, skip: 0 } : {};
}

/** @param any id of some object of a kind */
type Body = (random: Random, any: (kind: string) => string, nowMs: number) => unknown;

const BODIES: Record<string, Body> = {
  'systemusers.create': (random) => {
    const name = `new.${random.hex(8)}`;
    return { username: name, email: `${name}@staff.example`, firstname: 'New', lastname: 'Colleague' };
  },
  'systemusers.update': (random) => ({
    department: random.pick(['Engineering', 'Finance', 'People', 'Sales']),
  }),
  'systemusers.resetmfa': () => ({ exclusion: false }),
  'v2.usergroups.members.create': (_, any) => ({
    ...{ op: 'add', type: 'user', id: any('systemusers') },
  }),
  'v2.usergroups.update': (random) => ({ description: `as of run ${random.hex(4)}` }),
  'v2.policies.update': (random) => ({ notes: `as of run ${random.hex(4)}` }),
  'v2.applications.associations.create': (_, any) => ({
    ...{ op: 'add', type: 'user_group', id: any('usergroups') },
  }),
  'applications.update': (random) => ({ displayLabel: `Application ${random.hex(4)}` }),
  'commands.update': (random) => ({ timeout: String(random.int(60, 300)) }),
  runcommand: (_, any) => ({
    ...{ _id: any('commands'), systems: [any('systems')] },
  }),
  'insights.directory.v1.events': (_, __, nowMs) => ({
    ...{ service: ['all'], limit: 100, sort: 'DESC', start_time: new Date(nowMs - 600_000).toISOString() },
  }),
};
