import { Hono } from 'hono';
import type { Directory } from '../directory.js';
import { notFound } from '../failures.js';
import { open, param, sliceV2, type Variables } from '../http.js';
import type { JsonObject, QueuedRun } from '../model.js';

/** What waits for devices, by the call that queued it. */
export function queueRoutes() {
  const routes = new Hono<{ Variables: Variables }>();
  routes.get('/api/v2/queuedcommand/workflows', (c) => {
    const directory = open(c, 'commands');
    const workflows = byName(queuedOf(directory), ({ workflow }) => workflow);
    return sliceV2(
      c,
      [...workflows].map(([id, runs]) => shown(directory, id, runs)),
    );
  });
  routes.delete('/api/v2/commandqueue/:id', async (c) => {
    const directory = open(c, 'commands');
    await directory.change(() => {
      const runs = queuedOf(directory).filter(({ workflow }) => workflow === param(c, 'id'));
      if (runs.length === 0) throw notFound();
      for (const run of runs) directory.store.dequeue(run);
    });
    return c.body(null, 204);
  });
  routes.get('/api/v2/commandresult/workflows', (c) => {
    const results = open(c, 'commands').tenant.all('commandresult');
    const workflows = byName(results, ({ workflowId }) => String(workflowId));
    return sliceV2(
      c,
      [...workflows].map(([id, all]) => ({
        ...{ workflowInstanceId: id, name: all[0]?.name ?? '', total: all.length },
        failed: all.filter(({ exitCode }) => exitCode !== 0).length,
      })),
    );
  });
  return routes;
}

function queuedOf({ store, tenant }: Directory): QueuedRun[] {
  return store
    .queued()
    .filter(({ organization, action }) => organization === tenant.organization && action === 'command');
}

function shown({ tenant }: Directory, id: string, runs: readonly QueuedRun[]): JsonObject {
  const [first] = runs;
  const done = tenant.all('commandresult').filter(({ workflowId }) => workflowId === id).length;
  const command = first?.command.id == null ? undefined : tenant.get('command', first.command.id);
  return {
    ...{ id, command: first?.command.id ?? null, name: first?.command.name ?? '' },
    ...{ launchType: command?.launchType ?? 'manual', commandOs: command?.commandType ?? 'linux' },
    ...{ assignedCount: done + runs.length, pendingCount: runs.length },
  };
}

function byName<T>(all: readonly T[], nameOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) groups.set(nameOf(each), [...(groups.get(nameOf(each)) ?? []), each]);
  return groups;
}
