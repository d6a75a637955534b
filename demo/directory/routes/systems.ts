import { createHmac } from 'node:crypto';
import { Hono } from 'hono';
import { requireRole } from '../access.js';
import { type Directory, refer } from '../directory.js';
import { initiatorOf } from '../events.js';
import { open, param, type Variables } from '../http.js';
import { isoTime } from '../ids.js';
import { enqueue } from '../queue.js';
import { SYSTEM } from '../resources.js';

const BUILT_IN = ['erase', 'lock', 'restart', 'shutdown'] as const;

/** Queued like a command: the device is what it says that it is, when it has done it. */
function act(directory: Directory, id: string, action: (typeof BUILT_IN)[number] | 'unlock'): Promise<void> {
  const { store, ports, caller } = directory;
  return directory.change(() => {
    const system = directory.get('system', id);
    const at = isoTime(ports);
    if (action !== 'unlock') directory.tenant.put('system', { ...system, lastBuiltin: { name: action, at } });
    const command = { id: null, name: action, command: '', user: '', sudo: false, timeoutMs: 60_000 };
    const what = { action, command, requestedBy: initiatorOf(caller) };
    const { workflow } = enqueue(store, ports, caller.organization, [system._id], what);
    directory.record({
      type: 'command_run',
      resource: { ...refer(SYSTEM, system), command: action },
      extra: { correlation: { type: 'workflow', id: workflow } },
    });
  });
}

/** What one does to a device beside editing it. */
export function systemRoutes() {
  const routes = new Hono<{ Variables: Variables }>();
  for (const name of BUILT_IN) {
    routes.post(`/api/systems/:id/command/builtin/${name}`, async (c) => {
      await act(open(c, 'commands'), param(c, 'id'), name);
      return c.body(null, 204);
    });
  }
  // The real service unlocks devices at the device.
  routes.post('/demo/systems/:id/unlock', async (c) => {
    await act(open(c, 'commands'), param(c, 'id'), 'unlock');
    return c.body(null, 204);
  });
  routes.get('/api/v2/systems/:id/fdekey', async (c) => {
    const directory = open(c, 'admins');
    // It opens a disk: reading it is not for those who may only read.
    requireRole(directory.caller, 'admins', true);
    const system = directory.get('system', param(c, 'id'));
    const secret = directory.store.fact('token-secret') ?? '';
    const digits = createHmac('sha256', secret).update(`fde ${system._id}`).digest('hex').toUpperCase();
    await directory.change(() =>
      directory.record({ type: 'system_fde_key_decrypt', resource: refer(SYSTEM, system) }),
    );
    return c.json({ key: (digits.slice(0, 24).match(/.{4}/g) ?? []).join('-') });
  });
  return routes;
}
