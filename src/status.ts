import type { z } from '@hono/zod-openapi';
import type { statusView } from './admin/routes/system.js';
import type { ProxyUpstream } from './edges/proxy/gateway.js';
import type { JournalHealth } from './engine/ports.js';
import type { LiveConfig } from './live-config.js';
import type { Log } from './observability/log.js';

export type Status = z.output<typeof statusView>;

/** What runs and how it is, at this moment. */
export function statusOf(parts: {
  readonly version: string;
  readonly startedMs: number;
  readonly closing: boolean;
  readonly live: LiveConfig;
  readonly upstreams: readonly ProxyUpstream[];
  readonly journal: JournalHealth;
  readonly geo: { readonly warnings: readonly string[] };
  readonly gateways: Status['gateways'];
}): Status {
  const { version, live, upstreams, journal } = parts;
  const problems: string[] = [];
  if (parts.closing) problems.push('The guard is stopping.');
  if (live.listeners.length === 0) problems.push('No listener is open.');
  if (!journal.ok && upstreams.some(({ failPolicy }) => failPolicy === 'closed'))
    problems.push(`The journal cannot be written: ${journal.problem ?? 'unknown'}.`);
  return {
    version,
    startedAt: new Date(parts.startedMs).toISOString(),
    ready: problems.length === 0,
    problems,
    listeners: live.listeners.map(({ address }, at) => ({
      host: address.address,
      port: address.port,
      tls: live.listenerConfigs[at]?.tls !== undefined,
    })),
    upstreams: upstreams.map(({ name, pool, failPolicy }) => ({
      name,
      healthy: pool.healthy,
      open: pool.open,
      waiting: pool.waiting,
      failPolicy,
    })),
    journal,
    locations: { warnings: [...parts.geo.warnings] },
    gateways: parts.gateways,
  };
}

/** Says once, in the log, when something begins or stops to work. */
export class HealthWatch {
  readonly #log: Log;
  #journal = true;
  readonly #down = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  look({ upstreams, journal }: Pick<Status, 'upstreams' | 'journal'>): void {
    if (journal.ok !== this.#journal) {
      this.#journal = journal.ok;
      if (journal.ok) this.#log.info({ lost: journal.lost }, 'the journal can be written again');
      else this.#log.error({ problem: journal.problem }, 'the journal cannot be written');
    }
    for (const { name, healthy } of upstreams) {
      if (healthy === !this.#down.has(name)) continue;
      if (healthy) {
        this.#down.delete(name);
        this.#log.info({ upstream: name }, 'the upstream can be reached again');
      } else {
        this.#down.add(name);
        this.#log.error({ upstream: name }, 'the upstream cannot be reached');
      }
    }
  }
}
