import type { Ports } from './ids.js';
import type { Document, QueuedRun } from './model.js';
import type { DirectoryStore } from './store.js';

const BATCH_MAX = 200;

/**
 * Stands for the fleet until real agents enrol: answers queued runs as the inventory says, and runs nothing.
 * A run is taken off the queue in the transaction that writes its result, so a crash neither loses nor doubles one.
 */
export class SimulatedDevices {
  readonly #store: DirectoryStore;
  readonly #ports: Ports;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(store: DirectoryStore, ports: Ports) {
    this.#store = store;
    this.#ports = ports;
  }

  start(everyMs: number): void {
    this.#timer = setInterval(() => {
      this.#working = this.#working.then(() => this.answer()).catch(console.error);
    }, everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#working;
  }

  async answer(): Promise<void> {
    const runs = this.#store.queued().slice(0, BATCH_MAX);
    if (runs.length === 0) return;
    await this.#store.change(() => {
      for (const run of runs) {
        this.#answer(run);
        this.#store.dequeue(run.id);
      }
    });
  }

  #answer(run: QueuedRun): void {
    const tenant = this.#store.tenant(run.organization);
    const system = tenant.get('system', run.system);
    const command = tenant.get('command', run.command);
    // Removed meanwhile: nobody is there to answer.
    if (system === undefined || command === undefined) return;
    const result: Document = {
      _id: run.id,
      id: run.id,
      organization: run.organization,
      name: command.name ?? '',
      command: command.command ?? '',
      commandId: command._id,
      system: system.hostname ?? '',
      systemId: system._id,
      user: command.user ?? '',
      sudo: command.sudo ?? false,
      files: [],
      requestTime: run.requestedAt,
      responseTime: new Date(this.#ports.now()).toISOString(),
      response: { id: run.id, error: '', data: { exitCode: 0, output: outputOf(command, system) } },
      exitCode: 0,
      workflowId: run.workflow,
      workflowInstanceId: run.workflow,
    };
    tenant.put('commandresult', result);
  }
}

function outputOf(command: Document, system: Document): string {
  switch (String(command.command).trim()) {
    case 'hostname':
      return `${system.hostname}\n`;
    case 'uname -a':
      return `${system.os} ${system.version} ${system.arch}\n`;
    default:
      return `simulated device ${system.hostname}: nothing was run\n`;
  }
}
