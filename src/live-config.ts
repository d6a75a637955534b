import { isDeepStrictEqual } from 'node:util';
import { ConfigFault, loadConfig } from './config/load.js';
import type { Config, ListenerConfig } from './config/schema.js';
import type { AlarmBudget } from './detectors/budget.js';
import { buildUpstream } from './edges/proxy/build-upstream.js';
import type { Gateway, ProxyUpstream } from './edges/proxy/gateway.js';
import { assertUsable, type Listener, listen } from './edges/proxy/listener.js';
import type { LearnedPaths } from './engine/learned-paths.js';
import { Routing } from './engine/routing.js';
import type { GeoDatabases } from './locations/geo.js';
import type { Log } from './observability/log.js';
import { cidrSet } from './wire/cidr.js';

interface Parts {
  readonly config: Config;
  readonly file: string | undefined;
  /** What this process has otherwise than the file says: a gateway's listener. */
  readonly adapt: (config: Config) => Config;
  readonly gateway: Gateway;
  readonly budget: AlarmBudget;
  readonly paths: LearnedPaths;
  readonly geo: GeoDatabases;
  readonly asnFile: string;
  readonly log: Log & { level?: string };
}

interface Served {
  readonly config: ListenerConfig;
  readonly listener: Listener;
}

const DRAIN_MS = 60_000;

/** The configuration in force, and how another takes its place while connections go on. */
export class LiveConfig {
  readonly #parts: Parts;
  #config: Config;
  #served: Served[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#config = parts.config;
  }

  get listeners(): readonly Listener[] {
    return this.#served.map(({ listener }) => listener);
  }

  get listenerConfigs(): readonly ListenerConfig[] {
    return this.#served.map(({ config }) => config);
  }

  /** Opens the listeners of the configuration: all or none. */
  async listen(): Promise<void> {
    this.#served = await this.#open(this.#config.listeners);
  }

  /**
   * Reads the file again, makes everything ready, and only then swaps: requests in progress end under the old
   * configuration, the next ones begin under the new. Files that the configuration names are read again, too.
   * @param commit called when nothing can fail any more; when it rejects, nothing changes
   * @throws ConfigFault with every problem, and then nothing has changed
   */
  async reload(commit: (changed: string[]) => Promise<void>): Promise<{ changed: string[] }> {
    const { file, adapt, gateway, budget, geo, asnFile, log } = this.#parts;
    if (file === undefined) throw new ConfigFault([fault('-', 'this guard was not started from a file')]);
    const before = this.#config;
    const next = adapt(loadConfig(file, before));
    const changed = Object.keys(next).filter(
      (field) => !isDeepStrictEqual(next[field as keyof Config], before[field as keyof Config]),
    );
    const upstreams = this.#build(next, file);
    const kept = this.#served.filter(({ config }) =>
      next.listeners.some((each) => isDeepStrictEqual(each, config)),
    );
    const gone = this.#served.filter((each) => !kept.includes(each));
    const added = next.listeners.filter(
      (each) => !kept.some(({ config }) => isDeepStrictEqual(each, config)),
    );
    // The same address with other settings: the old socket must go first.
    const rebound = gone.filter(({ config }) => added.some((each) => samePlace(each, config)));
    let opened: Served[] = [];
    let useDatabases: () => void;
    try {
      for (const config of added) assertUsable(config);
      useDatabases = await geo.prepare({ asnFile, ...next.geo });
      opened = await this.#open(
        added.filter((each) => !rebound.some(({ config }) => samePlace(each, config))),
      );
      for (const { listener, config } of kept) listener.renew(config);
      await commit(changed);
    } catch (error) {
      for (const { listener } of opened) void listener.close(0);
      throw error instanceof ConfigFault ? error : new ConfigFault([fault(file, messageOf(error))]);
    }
    useDatabases();
    const retired = gateway.loop.routing.upstreams;
    gateway.loop.routing = new Routing(upstreams);
    gateway.loop.forwarding = { trusted: cidrSet(next.trustedProxies), header: next.forwardingHeader };
    gateway.bounds = next.clients;
    gateway.approvalUrl = next.detector.approvalUrl;
    budget.alarmsPerKeyDay = next.detector.alarmsPerThousandKeyDays / 1_000;
    if (log.level !== undefined) log.level = next.log.level;
    for (const { pool } of retired) pool.close();
    for (const { listener } of gone) void listener.close(DRAIN_MS);
    const again = await this.#open(
      added.filter((each) => rebound.some(({ config }) => samePlace(each, config))),
    );
    this.#served = [...kept, ...opened, ...again];
    this.#config = next;
    return { changed };
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all(this.listeners.map((listener) => listener.close(graceMs)));
    for (const { pool } of this.#parts.gateway.loop.routing.upstreams) pool.close();
  }

  #build(config: Config, file: string): ProxyUpstream[] {
    try {
      return config.upstreams.map((each) =>
        buildUpstream(each, config.detector, this.#parts.paths.of(each.name)),
      );
    } catch (error) {
      throw new ConfigFault([fault(file, messageOf(error))]);
    }
  }

  async #open(configs: readonly ListenerConfig[]): Promise<Served[]> {
    const results = await Promise.allSettled(configs.map((config) => listen(config, this.#parts.gateway)));
    const opened = results.flatMap((result, at) =>
      result.status === 'fulfilled'
        ? [{ config: configs[at] as ListenerConfig, listener: result.value }]
        : [],
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) return opened;
    await Promise.all(opened.map(({ listener }) => listener.close(0)));
    throw failed.reason;
  }
}

function samePlace(a: ListenerConfig, b: ListenerConfig): boolean {
  return a.host === b.host && a.port === b.port;
}

function fault(file: string, message: string) {
  return { file, line: 1, field: '', message };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
