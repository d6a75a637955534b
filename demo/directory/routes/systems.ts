import { createHmac } from 'node:crypto';
import { Hono } from 'hono';
import { requireRole } from '../access.js';
import { refer } from '../directory.js';
import { open, param, type Variables } from '../http.js';
import { SYSTEM } from '../resources.js';

const BUILT_IN = ['erase', 'lock', 'restart', 'shutdown'] as const;

/** What one does to a device beside editing it. */
export function systemRoutes() {
  const routes = new Hono<{ Variables: Variables }>();
  for (const name of BUILT_IN) {
    routes.post(`/api/systems/:id/command/builtin/${name}`, async (c) => {
      const directory = open(c, 'commands');
      const system = directory.get('system', param(c, 'id'));
      const at = new Date(directory.ports.now()).toISOString();
      await directory.change(() => {
        directory.tenant.put('system', { ...system, lastBuiltin: { name, at }, active: name !== 'erase' });
        const resource = { ...refer(SYSTEM, system), command: name };
        directory.record({ type: 'command_run', resource });
      });
      return c.body(null, 204);
    });
  }
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
