import { isoTime, type Ports } from './ids.js';
import type { Document, JsonObject, QueuedCommand, QueuedRun } from './model.js';
import type { DirectoryStore } from './store.js';

export interface Run {
  readonly workflow: string;
  readonly queueIds: readonly string[];
}

const TIMEOUT_SECONDS = { default: 120, max: 3_600 };

export function queuedCommand(command: Document): QueuedCommand {
  const seconds = Math.floor(Number(command.timeout ?? TIMEOUT_SECONDS.default)) || TIMEOUT_SECONDS.default;
  return {
    ...{ id: command._id, name: String(command.name ?? ''), command: String(command.command ?? '') },
    ...{ user: String(command.user ?? ''), sudo: command.sudo === true },
    timeoutMs: Math.min(Math.max(seconds, 1), TIMEOUT_SECONDS.max) * 1_000,
  };
}

/** Inside a change: one run for each device, under one workflow. Devices answer later. */
export function enqueue(
  store: DirectoryStore,
  ports: Ports,
  organization: string,
  systems: readonly string[],
  what: { action: QueuedRun['action']; command: QueuedCommand; requestedBy: JsonObject | null },
): Run {
  const workflow = ports.newId();
  const requestedAt = isoTime(ports);
  const queueIds = systems.map((system) => {
    const id = ports.newId();
    store.enqueue({ id, organization, system, workflow, requestedAt, ...what });
    return id;
  });
  return { workflow, queueIds };
}

/** Inside a change, of a device that is gone: its agent's key is old, and nothing waits for it. */
export function retireDevice(store: DirectoryStore, system: string): void {
  const record = store.agent(system);
  if (record !== undefined) store.putAgent({ ...record, state: 'old' });
  for (const run of store.queuedFor(system)) store.dequeue(run);
}
