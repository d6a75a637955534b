import { type Directory, refer } from './directory.js';
import { initiatorOf } from './events.js';
import { badRequest, notFound } from './failures.js';
import { reach } from './graph.js';
import { isId } from './ids.js';
import { type Document, isObject } from './model.js';
import { enqueue, queuedCommand, type Run } from './queue.js';
import { COMMAND } from './resources.js';

const SYSTEMS_MAX = 10_000;

/** Clients name systems as `systems` or `systemIds`; without either, the command runs on all it is tied to. */
export function readRun(body: unknown): { id: string; systems: string[]; groups: string[] } {
  if (!isObject(body)) throw badRequest('command id is required');
  const id = body._id ?? body.id ?? body.command;
  if (typeof id !== 'string' || !isId(id)) throw badRequest('command id is required');
  return { id, systems: readIds(body.systems ?? body.systemIds), groups: readIds(body.systemGroups) };
}

function readIds(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > SYSTEMS_MAX) throw badRequest('Invalid systems');
  return value.map((each: unknown) => {
    if (typeof each !== 'string' || !isId(each)) throw badRequest('Invalid systems');
    return each;
  });
}

/** Queues the command for its systems; devices answer later. @throws {Failure} 404 */
export function run(
  directory: Directory,
  { id, systems, groups }: { id: string; systems: readonly string[]; groups: readonly string[] },
): Promise<Run> {
  return directory.change(() => {
    const command = directory.get('command', id);
    for (const system of systems) directory.get('system', system);
    for (const group of groups) directory.get('system_group', group);
    const named = new Set([
      ...systems,
      ...groups.flatMap((group) =>
        directory.tenant.links('system_group', group, 'system').map((link) => link.id),
      ),
    ]);
    const none = systems.length === 0 && groups.length === 0;
    const targets = none ? reach(directory, 'command', id, 'system').map((each) => each.id) : [...named];
    return runOn(directory, command, targets);
  });
}

/** Inside a change: what is queued and the entry that says whose call it was. */
export function runOn(directory: Directory, command: Document, systems: readonly string[]): Run {
  const { store, ports, caller } = directory;
  const what = {
    action: 'command' as const,
    command: queuedCommand(command),
    requestedBy: initiatorOf(caller),
  };
  const queued = enqueue(store, ports, caller.organization, systems, what);
  directory.record({
    type: 'command_run',
    resource: { ...refer(COMMAND, command), systems },
    extra: { correlation: { type: 'workflow', id: queued.workflow } },
  });
  return queued;
}

/** Commands wait for triggers by name. */
export function triggered(directory: Directory, name: string): Document[] {
  const commands = directory.tenant
    .all('command')
    .filter(({ launchType, trigger }) => launchType === 'trigger' && trigger === name);
  if (commands.length === 0) throw notFound();
  return commands;
}
