import { Directory } from './directory.js';
import { conclude, deviceAsCaller } from './effects.js';
import { isoTime, type Ports } from './ids.js';
import type { Document, QueuedRun } from './model.js';
import type { DirectoryStore } from './store.js';

const BATCH_MAX = 200;

/**
 * Stands for the devices that have no agent: answers their runs as the inventory says, and runs nothing.
 * A run is taken off the queue in the transaction that writes its result, so a crash neither loses nor doubles one.
 */
export class SimulatedDevices {
  readonly #store: DirectoryStore;
  readonly #ports: Ports;

  constructor(store: DirectoryStore, ports: Ports) {
    this.#store = store;
    this.#ports = ports;
  }

  async answer(): Promise<void> {
    const own = (run: QueuedRun) => this.#store.agent(run.system) === undefined;
    const runs = this.#store.queued().filter(own).slice(0, BATCH_MAX);
    if (runs.length === 0) return;
    await this.#store.change(() => {
      for (const run of runs) this.#answer(run);
    });
  }

  #answer(run: QueuedRun): void {
    const system = this.#store.tenant(run.organization).get('system', run.system);
    // Erased a moment ago, it has nothing queued any more.
    if (system === undefined || this.#store.queuedRun(run.system, run.id) === undefined) return;
    const from = { clientIp: String(system.remoteIP), userAgent: `agent/${system.agentVersion}` };
    const directory = new Directory(this.#store, this.#ports, deviceAsCaller(this.#store, run, from));
    const endedAt = isoTime(this.#ports);
    const output = run.action === 'command' ? outputOf(run.command.command, system) : '';
    conclude(directory, run, { exitCode: 0, error: '', output, endedAt });
  }
}

function outputOf(command: string, system: Document): string {
  switch (command.trim()) {
    case 'hostname':
      return `${system.hostname}\n`;
    case 'uname -a':
      return `${system.os} ${system.version} ${system.arch}\n`;
    default:
      return `simulated device ${system.hostname}: nothing was run\n`;
  }
}
