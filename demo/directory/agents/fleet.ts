import { createPublicKey, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { z } from 'zod';
import {
  type CheckedIn,
  type CheckIn,
  type enrolmentSchema,
  type Inventory,
  ORDERS_MAX,
  type Policy,
  type RunResult,
} from '../../agent-protocol.js';
import { consequences } from '../consequences.js';
import { Directory, refer } from '../directory.js';
import { conclude, deviceAsCaller } from '../effects.js';
import { badRequest, Failure, unauthorized } from '../failures.js';
import { reach } from '../graph.js';
import { isoTime, type Ports, sha256 } from '../ids.js';
import type { AgentRecord, Caller, Document, JsonObject } from '../model.js';
import { SYSTEM } from '../resources.js';
import type { DirectoryStore } from '../store.js';
import { connectKeyOf } from './connect-key.js';

const CONTACT_MS = 10_000;
const AGENTS_MAX = 10_000;

export interface From {
  readonly clientIp: string;
  readonly userAgent: string;
}

/** Devices that have an agent: what they say is kept, what they have to do is handed out. */
export class Fleet {
  readonly #store: DirectoryStore;
  readonly #ports: Ports;
  readonly #stopping = new AbortController();

  constructor(store: DirectoryStore, ports: Ports) {
    this.#store = store;
    this.#ports = ports;
  }

  /** Answers those who wait, before the store is closed. */
  stop(): void {
    this.#stopping.abort();
  }

  /** The device in the name of which a signed request is made. */
  caller(record: AgentRecord, { clientIp, userAgent }: From): Caller {
    return deviceAsCaller(this.#store, record, { clientIp, userAgent });
  }

  organizationOf(connectKey: string): string | undefined {
    const given = sha256(connectKey);
    const all = this.#store.organizations().map(({ _id }) => _id);
    return all.find((id) => sha256(connectKeyOf(this.#store, id)) === given);
  }

  /**
   * The same key again is the same device, as an agent that was killed before it read the answer asks again. A key that
   * is old, or another organisation's, enrols nothing.
   * @throws {Failure} 400, 401, 409
   */
  enrol(organization: string, given: z.infer<typeof enrolmentSchema>, from: From): Promise<string> {
    const publicKey = readPublicKey(given.publicKey);
    return this.#store.change(() => {
      const agents = this.#store.agents();
      const known = agents.find((each) => each.publicKey === publicKey);
      if (known !== undefined) {
        if (known.state !== 'active' || known.organization !== organization) throw unauthorized();
        return known.system;
      }
      if (agents.length >= AGENTS_MAX) throw new Failure(409, 'Too many agents');
      const id = this.#ports.newId();
      const record: AgentRecord = { system: id, organization, publicKey, state: 'active' };
      this.#store.putAgent(record);
      const directory = this.#directory(record, from);
      const made = SYSTEM.defaults({ organization, at: isoTime(this.#ports) });
      const facts = {
        ...factsOf(given.inventory),
        lastContact: isoTime(this.#ports),
        remoteIP: from.clientIp,
      };
      const system = { ...made, displayName: given.inventory.hostname, ...facts, _id: id, id };
      directory.tenant.put('system', system);
      this.#keepInventory(directory, id, given.inventory);
      directory.record({ type: 'system_create', resource: refer(SYSTEM, system) });
      consequences(directory, SYSTEM, 'create', system);
      return id;
    });
  }

  async checkIn(record: AgentRecord, report: CheckIn, from: From): Promise<CheckedIn> {
    const directory = this.#directory(record, from);
    await this.#keep(directory, record, report);
    const { signal } = this.#stopping;
    // Listening before looking, so that nothing rings unheard.
    const waiting = new AbortController();
    const given = { signal: AbortSignal.any([signal, waiting.signal]) };
    const rung = once(this.#store.bell, record.system, given).catch(() => undefined);
    const waited = pause(report.waitMs, undefined, given).catch(() => undefined);
    // In turn with changes: what they queue is seen here or rings below.
    let orders = await this.#store.change(() => this.#orders(record, report));
    if (orders.length === 0) {
      await Promise.race([rung, waited]);
      if (!signal.aborted) orders = await this.#store.change(() => this.#orders(record, report));
    }
    waiting.abort();
    if (signal.aborted) throw new Failure(503, 'Service Unavailable');
    return { orders, policies: policiesOf(directory, record.system) };
  }

  /** Of a run that is not this device's, was cancelled or has its result already: nothing happens. */
  async result(record: AgentRecord, result: RunResult, from: From): Promise<void> {
    await this.#store.change(() => {
      const directory = this.#directory(record, from);
      const run = this.#store.queuedRun(record.system, result.id);
      if (run !== undefined) conclude(directory, run, result);
    });
  }

  /** Actions first; a locked device gets nothing else. */
  #orders(record: AgentRecord, report: CheckIn): CheckedIn['orders'] {
    const holding = new Set(report.holding);
    const queued = this.#store.queuedFor(record.system).filter(({ id }) => !holding.has(id));
    const actions = queued.filter(({ action }) => action !== 'command');
    const commands = report.locked ? [] : queued.filter(({ action }) => action === 'command');
    return [...actions, ...commands].slice(0, ORDERS_MAX).map(({ id, action, command }) => ({
      ...{ id, action, command: command.command, timeoutMs: command.timeoutMs },
    }));
  }

  async #keep(directory: Directory, record: AgentRecord, report: CheckIn): Promise<void> {
    const system = directory.get('system', record.system);
    const results = report.policies.map((status): Document => {
      const { policyId, success, detail, startedAt, endedAt } = status;
      const id = sha256(`${policyId} ${record.system}`).slice(0, 24);
      const state = success ? 'success' : 'failed';
      const ends = { startedAt, endedAt, exitStatus: success ? 0 : 1, stdOut: '', stdErr: '' };
      return {
        ...{ _id: id, id, policyID: policyId, systemID: record.system },
        state,
        success,
        detail,
        ...ends,
      };
    });
    const changed = results.filter((each) => {
      const before = directory.tenant.get('policyresult', each._id);
      return before?.success !== each.success || before?.detail !== each.detail;
    });
    const silentMs = this.#ports.now() - Date.parse(String(system.lastContact));
    const { inventory } = report;
    if (inventory === undefined && changed.length === 0 && silentMs < CONTACT_MS) return;
    await this.#store.change(() => {
      const facts = inventory === undefined ? {} : factsOf(inventory);
      const contact = { lastContact: isoTime(this.#ports), active: true, lastBoot: report.bootedAt };
      const now = { ...directory.get('system', record.system), ...facts, ...contact };
      directory.tenant.put('system', now);
      if (inventory !== undefined) this.#keepInventory(directory, record.system, inventory);
      for (const each of changed) directory.tenant.put('policyresult', each);
      consequences(directory, SYSTEM, 'update', now);
    });
  }

  #keepInventory(directory: Directory, system: string, { tables }: Inventory): void {
    directory.tenant.put('inventory', { _id: system, id: system, at: isoTime(this.#ports), tables });
  }

  #directory(record: AgentRecord, from: From): Directory {
    return new Directory(this.#store, this.#ports, this.caller(record, from));
  }
}

/** Of a device's own table of facts, what the list of devices shows. */
function factsOf({ hostname, os, osFamily, version, arch, agentVersion, serialNumber }: Inventory) {
  return { hostname, os, osFamily, version, arch, agentVersion, serialNumber };
}

function policiesOf(directory: Directory, system: string): Policy[] {
  const reached = reach(directory, 'system', system, 'policy').slice(0, 100);
  return reached.map(({ id }) => {
    const { template, values } = directory.get('policy', id);
    const given = Array.isArray(values) ? (values as readonly JsonObject[]) : [];
    return {
      id,
      template: String((template as JsonObject | null)?.name ?? ''),
      values: Object.fromEntries(given.map((each) => [String(each?.configFieldName), each?.value ?? null])),
    } as Policy;
  });
}

/** RSA alone, in one form, so that the same key is the same text. @throws {Failure} 400 */
function readPublicKey(pem: string): string {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw badRequest('Invalid publicKey');
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType !== 'rsa' || bits < 2_048 || bits > 4_096) throw badRequest('Invalid publicKey');
  return String(key.export({ type: 'spki', format: 'pem' }));
}
