import { runOn } from './commands.js';
import { Directory } from './directory.js';
import { reach } from './graph.js';
import type { Ports } from './ids.js';
import type { Caller, ScheduleRecord } from './model.js';
import { nextRun } from './schedule.js';
import type { DirectoryStore } from './store.js';

/** Queues what is due. What fell due while the directory was down runs once, when it is back. */
export class Scheduler {
  readonly #store: DirectoryStore;
  readonly #ports: Ports;

  constructor(store: DirectoryStore, ports: Ports) {
    this.#store = store;
    this.#ports = ports;
  }

  async runDue(): Promise<void> {
    const now = this.#ports.now();
    const due = this.#store.schedules().filter(({ dueAt }) => dueAt <= now);
    if (due.length === 0) return;
    await this.#store.change(() => {
      for (const each of due) this.#run(each, now);
    });
  }

  #run(record: ScheduleRecord, now: number): void {
    const directory = new Directory(this.#store, this.#ports, this.#caller(record));
    const command = directory.tenant.get('command', record.command);
    const dueAt = record.repeated && command !== undefined ? nextRun(command, now) : undefined;
    if (dueAt === undefined) this.#store.removeSchedule(record.command);
    else this.#store.putSchedule({ ...record, dueAt });
    if (command === undefined) return;
    const systems = reach(directory, 'command', command._id, 'system').map(({ id }) => id);
    if (systems.length > 0) runOn(directory, command, systems);
  }

  /** Whoever set the schedule; no call is made now, and the log says so. */
  #caller({ organization, by }: ScheduleRecord): Caller {
    const provider = this.#store.organization(organization)?.provider ?? null;
    return {
      ...{ ...by, organization, provider, role: 'Command Runner', authMethod: 'schedule' },
      ...{ clientIp: '', userAgent: '' },
    };
  }
}
