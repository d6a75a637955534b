import { type Directory, refer } from './directory.js';
import type { Happened } from './events.js';
import type { Caller, Document, JsonObject, QueuedRun } from './model.js';
import { retireDevice } from './queue.js';
import { SYSTEM } from './resources.js';
import type { DirectoryStore } from './store.js';

export interface Ran {
  readonly exitCode: number;
  readonly output: string;
  readonly error: string;
  readonly endedAt: string;
}

/** In whose name a device speaks: its own. */
export function deviceAsCaller(
  store: DirectoryStore,
  { system: id, organization }: { readonly system: string; readonly organization: string },
  from: { readonly clientIp: string; readonly userAgent: string },
): Caller {
  return {
    ...{ kind: 'system', id, email: '', role: 'Manager', organization, authMethod: 'signature' },
    provider: store.organization(organization)?.provider ?? null,
    ...from,
  };
}

/** Inside a change: a device is done with a run. Its result or new state, and its own entry in the log. */
export function conclude(directory: Directory, run: QueuedRun, ran: Ran): void {
  const { store, tenant } = directory;
  const system = directory.get('system', run.system);
  store.dequeue(run);
  if (run.action === 'command') tenant.put('commandresult', resultOf(run, system, ran));
  else tenant.put('system', { ...system, ...stateAfter(run.action, system) });
  if (run.action === 'erase') retireDevice(store, run.system);
  directory.record(effect(run, system, ran));
}

/** What the device is after it was locked, erased and so on. */
function stateAfter(action: QueuedRun['action'], system: Document): JsonObject {
  return {
    locked: action === 'lock' || (action !== 'unlock' && system.locked === true),
    active: action !== 'erase' && action !== 'shutdown',
  };
}

/** A run's result, under the run's id. */
function resultOf(run: QueuedRun, system: Document, { exitCode, output, error, endedAt }: Ran): Document {
  const { id, name, command, user, sudo } = run.command;
  return {
    ...{ _id: run.id, id: run.id, organization: run.organization },
    ...{ name, command, commandId: id, user, sudo, files: [] },
    ...{ system: system.hostname ?? '', systemId: system._id },
    ...{ requestTime: run.requestedAt, responseTime: endedAt },
    response: { id: run.id, error, data: { exitCode, output } },
    ...{ exitCode, workflowId: run.workflow, workflowInstanceId: run.workflow },
  };
}

/** The device's own entry: what it did, for which run, and whose call it was, if it was one. */
function effect(run: QueuedRun, system: Document, { exitCode }: Ran): Happened {
  const { id, name } = run.command;
  return {
    type: 'command_result',
    resource: { type: 'command', id, name },
    success: exitCode === 0,
    extra: {
      service: 'systems',
      system: { ...refer(SYSTEM, system), hostname: system.hostname ?? '' },
      ...{ run: run.id, exit_code: exitCode, requested_by: run.requestedBy },
      correlation: { type: 'workflow', id: run.workflow },
    },
  };
}
