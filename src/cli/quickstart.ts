import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '../config/load.js';
import { issueInput } from '../keys/inputs.js';
import type { KeyService } from '../keys/service.js';
import { origin, showBootstrapToken, startLogged, untilStopped } from './up.js';

const example = fileURLToPath(new URL('../../examples/notes-api/', import.meta.url));
const ACTOR = 'quickstart';

/** Starts the example API and the guard in front of it, with two fresh keys, and prints what to try. */
export async function quickstart(options: { data: string; port: string; adminPort: string }): Promise<void> {
  const api = await startExample();
  try {
    const running = await startLogged(
      parseConfig(configText(options, api.port), path.resolve('quickstart.yaml')),
    );
    const port = running.listeners[0]?.address.port as number;
    const keys = await freshKeys(running.keys);
    showBootstrapToken(running);
    console.log(`
Keyward is running.
  guard        http://127.0.0.1:${port}   (the address that clients use)
  example API  http://127.0.0.1:${api.port}   (a process of its own, behind the guard)
  admin API    http://${origin(running.admin.address)}   (keyward status, keyward keys list …)
  data         ${path.resolve(options.data)}

Allowed: a key, used from where it may be used.
curl -sS -i -H 'x-api-key: ${keys.here}' http://127.0.0.1:${port}/notes

Refused: a key that is only good in 203.0.113.0/24.
curl -sS -i -H 'x-api-key: ${keys.elsewhere}' http://127.0.0.1:${port}/notes

Ctrl-C stops both.`);
    // There is no configuration to read again: with its terminal it goes.
    await untilStopped(running, ['SIGINT', 'SIGTERM', 'SIGHUP']);
  } finally {
    api.process.kill();
  }
}

/** The keys of an earlier run cannot be shown again: they are revoked and new ones issued. */
async function freshKeys(keys: KeyService): Promise<{ here: string; elsewhere: string }> {
  for (const key of keys.list()) {
    if (key.createdBy === ACTOR && key.revoked === undefined)
      await keys.revoke(ACTOR, key.id, 'a new quickstart began');
  }
  const issue = async (name: string, cidrs: string[]) => {
    const allow = cidrs.map((cidr) => ({ cidr }));
    return (
      await keys.issue(ACTOR, issueInput.parse({ name, env: 'test', limits: { locations: { allow } } }))
    ).credential;
  };
  return {
    here: await issue('notes script', ['127.0.0.0/8', '::1/128']),
    elsewhere: await issue('office only', ['203.0.113.0/24']),
  };
}

function configText(options: { data: string; port: string; adminPort: string }, apiPort: number): string {
  return JSON.stringify({
    dataDir: path.resolve(options.data),
    listeners: [{ port: Number(options.port) }],
    admin: { port: Number(options.adminPort) },
    log: { level: 'warn' },
    upstreams: [
      { name: 'notes', url: `http://127.0.0.1:${apiPort}`, openapi: path.join(example, 'openapi.yaml') },
    ],
  });
}

async function startExample(): Promise<{ port: number; process: ChildProcess }> {
  const child = spawn(process.execPath, [path.join(example, 'server.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    return { port: (JSON.parse(line) as { port: number }).port, process: child };
  }
  throw new Error('The example API did not start.');
}
