import { Hono } from 'hono';
import { type Directory, refer } from '../directory.js';
import { badRequest, notFound } from '../failures.js';
import { open, param, readObject, type Variables } from '../http.js';
import { activate, expirePassword, resetMfa, setPassword, suspend, unlock } from '../identity/admin-acts.js';
import { isoTime } from '../ids.js';
import type { Document, JsonObject } from '../model.js';
import { USER } from '../resources.js';

type Action = (directory: Directory, id: string, body: JsonObject) => Promise<Document>;

/** What one does to a person beside editing the record. Each leaves its own event. */
const ACTIONS: Readonly<Record<string, Action>> = {
  resetmfa: resetMfa,
  password: (directory, id, { password }) => setPassword(directory, id, password),
  expire: expirePassword,
  unlock,
  reactivate: (directory, id) => directory.patch(USER, id, {}, 'user_activation_email'),
  'mfa/enforce': (directory, id) => directory.patch(USER, id, { enable_user_portal_multifactor: true }),
  'state/activate': activate,
  'state/suspend': suspend,
};

const KEY_CHARACTERS_MAX = 8_192;

export function systemuserRoutes() {
  const routes = new Hono<{ Variables: Variables }>();
  for (const [path, act] of Object.entries(ACTIONS)) {
    routes.post(`/api/systemusers/:id/${path}`, async (c) => {
      const directory = open(c, 'users');
      return c.json(await act(directory, param(c, 'id'), await readObject(c)));
    });
  }
  routes.get('/api/systemusers/:id/sshkeys', (c) => {
    const directory = open(c, 'users');
    return c.json(keysOf(directory, directory.get('user', param(c, 'id'))._id));
  });
  routes.post('/api/systemusers/:id/sshkeys', async (c) => {
    const directory = open(c, 'users');
    const user = directory.get('user', param(c, 'id'));
    const { name, public_key } = await readObject(c);
    if (typeof name !== 'string' || name === '') throw badRequest('name is required');
    if (typeof public_key !== 'string' || !/^(?:ssh|ecdsa|sk)-\S+ \S+/.test(public_key))
      throw badRequest('Invalid public_key');
    if (public_key.length > KEY_CHARACTERS_MAX) throw badRequest('Invalid public_key');
    const id = directory.ports.newId();
    const key = { _id: id, id, name, public_key, create_date: isoTime(directory.ports), user: user._id };
    await directory.change(() => {
      directory.tenant.put('sshkey', key);
      const changes = [{ field: 'ssh_keys', to: { name, public_key } }];
      directory.record({ type: 'user_update', resource: refer(USER, user), changes });
    });
    return c.json(key);
  });
  routes.delete('/api/systemusers/:id/sshkeys/:key', async (c) => {
    const directory = open(c, 'users');
    const user = directory.get('user', param(c, 'id'));
    const key = directory.get('sshkey', param(c, 'key'));
    if (key.user !== user._id) throw notFound();
    await directory.change(() => {
      directory.tenant.remove('sshkey', key._id);
      const changes = [{ field: 'ssh_keys', from: { name: key.name ?? '' } }];
      directory.record({ type: 'user_update', resource: refer(USER, user), changes });
    });
    return c.json({});
  });
  return routes;
}

function keysOf(directory: Directory, user: string) {
  return directory.tenant.all('sshkey').filter((key) => key.user === user);
}
