import { existsSync } from 'node:fs';
import path from 'node:path';
import { gatewayApp } from './admin/gateway-app.js';
import { Operators } from './admin/operators.js';
import { type AdminServer, serveAdmin } from './admin/server.js';
import { Applier } from './cluster/applier.js';
import { GatewayStore } from './cluster/gateway-store.js';
import { Membership, type MembershipParts } from './cluster/membership.js';
import type { Config } from './config/schema.js';
import type { Listener } from './edges/proxy/listener.js';
import { Acts } from './keys/acts.js';
import { KeyDirectory } from './keys/directory.js';
import { SealedService } from './keys/sealed-service.js';
import { openGeo } from './locations/geo.js';
import type { Log } from './observability/log.js';
import { Metrics } from './observability/metrics.js';
import { EmbeddedStore } from './stores/embedded.js';
import {
  BUILT_IN_ASN,
  controlSocket,
  engineOf,
  journalOf,
  loadSecrets,
  note,
  startTimers,
} from './wiring.js';

const CLOSE_GRACE_MS = 10_000;
/** How often counters that other processes share in are read again. */
const MEND_MS = 5_000;

/** A further gateway process: it forwards as the control process does, and administers nothing. */
export interface RunningGateway {
  readonly listeners: readonly Listener[];
  /** Health and metrics, where a port was given. */
  readonly admin: AdminServer | undefined;
  reload(): Promise<{ changed: string[] }>;
  close(): Promise<void>;
}

export interface GatewayOptions {
  readonly name: string;
  readonly host: string | undefined;
  readonly port: number;
  readonly healthPort: number | undefined;
  readonly log: Log & { level?: string };
  readonly configFile: string;
}

/** The gateway did not start: the text is for the person at the terminal. */
export class GatewayFault extends Error {
  override readonly name = 'GatewayFault';
}

type Close = () => Promise<unknown>;

export async function startGateway(config: Config, options: GatewayOptions): Promise<RunningGateway> {
  const opened: Close[] = [];
  try {
    return await startParts(config, options, opened);
  } catch (error) {
    for (const close of opened.reverse()) await close();
    throw error;
  }
}

async function startParts(given: Config, options: GatewayOptions, opened: Close[]): Promise<RunningGateway> {
  const { log, name } = options;
  const adapt = (config: Config): Config => ({ ...config, listeners: [ownListener(config, options)] });
  const config = adapt(given);
  const { fingerprints, masterKey, previousMasterKey, journal, geo, store, port } = await openBase(
    config,
    name,
    opened,
    () => membership,
  );
  const directory = new KeyDirectory(port, fingerprints);
  const metrics = new Metrics();
  const acts = new Acts(journal, Date.now);
  const sealed = new SealedService({
    ...{ store: port, masterKey, previousMasterKey, acts },
    changes: { announce: () => Promise.resolve([]), inFlight: 'finish' },
    upstreams: () => [],
  });
  const engine = engineOf({
    ...{ config, configFile: options.configFile, adapt, store: port, directory, journal, geo, metrics, log },
    standing: { mayAccept: () => membership.mayAccept() },
    openSealed: (sealedName, upstream) => sealed.open(sealedName, upstream),
  });
  const { behaviour, live, loop } = engine;
  const membership = membershipOf(
    config,
    options,
    {
      applier: new Applier({ store: port, directory, cut: engine.cut, learner: behaviour }),
      desk: engine.desk,
    },
    metrics,
  );
  await live.listen();
  opened.push(() => live.close(0));
  membership.start();
  opened.push(() => membership.close());

  let closing = false;
  const problems = () => [
    ...(closing ? ['The gateway is stopping.'] : []),
    ...(membership.stale ? ['stale: this gateway holds no lease.'] : []),
    ...(journal.health().ok ? [] : ['The journal cannot be written.']),
  ];
  const upstreams = () =>
    loop.routing.upstreams.map(({ name: upstream, pool, failPolicy }) => ({
      ...{ name: upstream, healthy: pool.healthy, open: pool.open, waiting: pool.waiting, failPolicy },
    }));
  metrics.watch({
    ...{ journal: () => journal.health(), budget: () => behaviour.budget.standing, upstreams },
    clientConnections: () => live.listeners.reduce((sum, each) => sum + each.connections.size, 0),
  });
  metrics.watchLease(() => !membership.stale);
  const admin = await healthOf(config, options, { port, fingerprints, acts, problems, metrics });
  if (admin !== undefined) opened.push(() => admin.close());
  note(journal, 'started');
  const mend = setInterval(() => directory.mendUsage((id, own) => store.total(id, own)), MEND_MS);
  const status = () => ({ upstreams: upstreams(), journal: journal.health() });
  const stopTimers = startTimers({ directory, journal, engine, log, status });
  return {
    admin,
    get listeners() {
      return live.listeners;
    },
    reload: async () => {
      const result = await live.reload(async () => undefined);
      note(journal, 'config.reload');
      return result;
    },
    close: async () => {
      closing = true;
      await live.close(CLOSE_GRACE_MS);
      clearInterval(mend);
      stopTimers();
      await directory.flush();
      await membership.close();
      await admin?.close();
      note(journal, 'stopped');
      await engine.flush(true);
      await journal.close();
      await port.close();
    },
  };
}

/** The store of the control process, for reading, and what is this gateway's own. */
async function openBase(config: Config, name: string, opened: Close[], membership: () => Membership) {
  const storeDir = path.join(config.dataDir, 'store');
  if (!existsSync(path.join(storeDir, 'keyward.lmdb')))
    throw new GatewayFault(`There is no store in ${config.dataDir}: start keyward up there first.`);
  const { privateKey, ...secrets } = loadSecrets(config, false);
  const home = path.join(config.dataDir, 'gateways', name);
  const journal = await journalOf(config, path.join(home, 'journal'), privateKey);
  opened.push(() => journal.close());
  const geo = await openGeo({ asnFile: BUILT_IN_ASN, ...config.geo });
  const store = new GatewayStore({
    shared: EmbeddedStore.open(storeDir, { readOnly: true }),
    own: EmbeddedStore.open(path.join(home, 'store')),
    report: (rows) => membership().report(rows),
    enrol: (key) => membership().enrol(key),
  });
  const port = store.port();
  opened.push(() => port.close());
  return { ...secrets, journal, geo, store, port };
}

/** The first listener of the file, at the address of this process. */
function ownListener({ listeners }: Config, { host, port }: GatewayOptions): Config['listeners'][number] {
  const [first] = listeners;
  if (first === undefined) throw new GatewayFault('The configuration names no listener.');
  return { ...first, host: host ?? first.host, port };
}

function membershipOf(
  config: Config,
  options: GatewayOptions,
  reached: Pick<MembershipParts, 'applier' | 'desk'>,
  metrics: Metrics,
): Membership {
  const { log, name } = options;
  const policy = config.gateways.withoutLease;
  let said: string | undefined;
  return new Membership({
    ...{ socketPath: controlSocket(config), name, policy, renewMs: config.gateways.renewMs },
    ...reached,
    leaseChanged: (held, problem) => {
      said = undefined;
      if (held) {
        log.info({ gateway: name }, 'the lease is held');
        return;
      }
      metrics.leaseLost();
      const does =
        policy === 'stop'
          ? 'nothing is accepted'
          : 'GOING ON with what was known: revocations may not be heard';
      log.error({ gateway: name, problem }, `the lease is lost; ${does}`);
    },
    refused: (why) => {
      if (why !== said) log.error({ gateway: name, why }, 'the control process refuses this gateway');
      said = why;
    },
  });
}

function healthOf(
  config: Config,
  { healthPort }: GatewayOptions,
  parts: {
    readonly port: ReturnType<GatewayStore['port']>;
    readonly fingerprints: ReturnType<typeof loadSecrets>['fingerprints'];
    /** Never used: operators are only recognised here. */
    readonly acts: Acts;
    readonly problems: () => string[];
    readonly metrics: Metrics;
  },
): Promise<AdminServer | undefined> {
  if (healthPort === undefined) return Promise.resolve(undefined);
  const { port, fingerprints, acts, problems, metrics } = parts;
  const operators = new Operators({ store: port, fingerprints, acts });
  const app = gatewayApp({ operators, problems, metrics: metrics.registry });
  return serveAdmin({ ...config.admin, port: healthPort }, app);
}
