import path from 'node:path';
import { adminApp } from './admin/app.js';
import { Operators } from './admin/operators.js';
import { type AdminServer, serveAdmin } from './admin/server.js';
import { Catalog } from './catalogs/match.js';
import { Applier } from './cluster/applier.js';
import { Control } from './cluster/control.js';
import type { Enrolment } from './cluster/protocol.js';
import type { Config } from './config/schema.js';
import type { ProxyUpstream } from './edges/proxy/gateway.js';
import type { Listener } from './edges/proxy/listener.js';
import { Approvals } from './engine/approvals.js';
import type { GuardLoop } from './engine/guard-loop.js';
import type { Journal, KeyEvents, KeyStore } from './engine/ports.js';
import type { Containment } from './incidents/containment.js';
import { follow, journalsOf } from './incidents/follow.js';
import { openContainment, openIncidents } from './incidents/open.js';
import type { Incidents } from './incidents/service.js';
import { Acts } from './keys/acts.js';
import { foreignKey, KeyDirectory } from './keys/directory.js';
import { applyManifest, exportManifest } from './keys/manifest.js';
import { Revocations } from './keys/revocation.js';
import { SealedService } from './keys/sealed-service.js';
import { KeyService } from './keys/service.js';
import { TenantService } from './keys/tenants.js';
import { openLeaks } from './leaks/open.js';
import { openGeo } from './locations/geo.js';
import { type OpenNotices, openNotices } from './notices/open.js';
import { forgetOldEvents } from './notices/retention.js';
import { type Log, silentLog } from './observability/log.js';
import { Metrics } from './observability/metrics.js';
import type { PublicListener } from './public/listener.js';
import { statusOf } from './status.js';
import { EmbeddedStore } from './stores/embedded.js';
import { version } from './version.js';
import {
  BUILT_IN_ASN,
  controlSocket,
  type Engine,
  engineOf,
  journalOf,
  loadSecrets,
  note,
  startTimers,
} from './wiring.js';

const CLOSE_GRACE_MS = 10_000;
/** How often incidents are kept, and the journals of gateways looked at. */
const INCIDENTS_MS = 500;
/** How often security events that nobody has polled for too long are removed. */
const FORGET_MS = 3_600_000;

/** A running guard: the control process, which is also a gateway. */
export interface Running {
  readonly keys: KeyService;
  readonly revocations: Revocations;
  readonly tenants: TenantService;
  readonly sealed: SealedService;
  readonly operators: Operators;
  readonly approvals: Approvals;
  readonly incidents: Incidents;
  readonly containment: Containment;
  /** Where leaked keys are reported, where that is configured. */
  readonly leaks: PublicListener | undefined;
  readonly store: KeyStore;
  readonly journal: Journal;
  readonly listeners: readonly Listener[];
  readonly admin: AdminServer;
  readonly notices: OpenNotices;
  /** Where replacement keys are picked up, where that is configured. */
  readonly reset: PublicListener | undefined;
  /** The token of the first operator, on the first run only: show it once, it is not kept. */
  readonly bootstrapToken: string | undefined;
  /** Operations of an upstream. */
  catalogOf(upstream: string): Catalog;
  /** @throws ConfigFault, and then nothing has changed */
  reload(actor: string): Promise<{ changed: string[] }>;
  close(): Promise<void>;
}

/** What a caller may put in place of the defaults. */
export interface StartOptions {
  readonly log?: Log & { level?: string };
  /** Where `reload` reads the configuration from; without it there is nothing to reload. */
  readonly configFile?: string;
  /** Whether the journal is written, and read for investigations, by threads of their own; default true. */
  readonly journalThread?: boolean;
}

/** Opens store, journal and databases, and starts the listeners: the one place where everything is wired. */
export async function start(config: Config, options: StartOptions = {}): Promise<Running> {
  const opened: Close[] = [];
  try {
    return await startParts(config, options, opened);
  } catch (error) {
    // A start that fails half-way leaves no listener, lock or thread behind.
    for (const close of opened.reverse()) await close();
    throw error;
  }
}

type Close = () => Promise<unknown>;

async function startParts(config: Config, options: StartOptions, opened: Close[]): Promise<Running> {
  const startedMs = Date.now();
  const log = options.log ?? silentLog;
  const base = await openBase(config, options, opened);
  const { journal, geo, store, directory, acts } = base;
  const metrics = new Metrics();
  const warn = (text: string) => log.warn({}, text);
  const journals = () => journalsOf(config.dataDir);
  const investigating = { ...base, journals, warn, aside: options.journalThread ?? true };
  const incidents = await openIncidents(investigating);
  const engine = engineOf({
    found: (entry, ticket) => incidents.note(entry, ticket),
    ...{
      config,
      configFile: options.configFile,
      adapt: (next) => next,
      store,
      directory,
      journal,
      geo,
      metrics,
    },
    standing: { mayAccept: () => true },
    log,
    openSealed: (name, upstream) => services.sealed.open(name, upstream),
  });
  const { behaviour, desk, loop, live } = engine;
  const control = await openControl(config, base, engine, metrics, log);
  opened.push(async () => control.close());
  const sealed = new SealedService({ ...base, changes: control, upstreams: () => namesOf(loop) });
  const notices = await openNotices({
    ...{ ...base, config, sealed, notices: store.notices, changes: control },
    tried: ({ id, channel, state, problem }) => {
      metrics.deliveryTried(channel, state);
      if (problem !== undefined) log.warn({ delivery: id, channel, state, problem }, 'a delivery failed');
    },
    failed: (error) => log.error({ error: String(error) }, 'notices could not be sent or handed over'),
  });
  const { events } = notices;
  const services = {
    ...{ ...servicesOf(base, control, loop, metrics, events), sealed },
    approvals: new Approvals({
      ...{ ...base, desk, changes: control, elsewhere: () => control.desks() },
      upstreams: () => loop.routing.upstreams,
    }),
  };
  incidents.onFalseAlarm = (actor, keys) => services.approvals.vouch(actor, keys);
  const containment = openContainment({
    ...{ ...investigating, incidents, keys: services.keys },
    automatic: { ...config.containment, measure: config.containment.automatic },
    masterKey: base.masterKey,
  });
  const leaks = await openLeaks({
    ...{ ...base, config: config.leaks, upstreams: () => namesOf(loop), forwarding: () => loop.forwarding },
    contain: async (by, key, measure, why) => {
      const { state, stopped } = await containment.now(by, [key], measure, why);
      if (state !== 'done') throw new Error(stopped ?? `the containment of ${key} is ${state}`);
    },
    failed: (error) => log.error({ error: String(error) }, 'a report of a leaked key failed'),
  });
  if (leaks !== undefined) opened.push(() => leaks.close());
  await live.listen();
  opened.push(() => live.close(0));

  let closing = false;
  const status = () =>
    statusOf({
      ...{ version, startedMs, closing, live, upstreams: loop.routing.upstreams, geo },
      ...{ journal: journal.health(), gateways: control.gateways() },
    });
  metrics.watch({
    journal: () => journal.health(),
    budget: () => behaviour.budget.standing,
    upstreams: () => status().upstreams,
    clientConnections: () => live.listeners.reduce((sum, each) => sum + each.connections.size, 0),
  });
  metrics.watchIncidents(() => incidents.list('open').length);
  metrics.watchGateways(() => control.gateways().filter((each) => each.live).length);
  const reload = async (actor: string) => {
    const commit = (changed: string[]) => acts.record(actor, 'config.reload', 'config', { changed });
    const result = await acts.run(() => live.reload(commit));
    log.info({ actor, ...result }, 'configuration reloaded');
    return result;
  };
  const admin = await serveAdmin(
    config.admin,
    adminApp({
      ...{ ...services, incidents, containment },
      ...{ version, journalDir: base.journalDir, metrics: metrics.registry, now: Date.now },
      ...{ notices, noticeStore: store.notices },
      upstreams: () => loop.routing.upstreams,
      unexpected: (error) => log.error({ error: String(error) }, 'an admin request failed unexpectedly'),
      system: {
        ...{ status, reload, notReady: () => status().problems },
        exportManifest: () => exportManifest(store, Date.now()),
        applyManifest: (actor, manifest, how) =>
          applyManifest(
            { ...base, events, changes: control, upstreams: () => namesOf(loop) },
            ...([actor, manifest, how] as const),
          ),
      },
    }),
  );
  opened.push(() => admin.close());
  const reset = await notices.serveReset(() => loop.forwarding);
  opened.push(async () => reset?.close());
  note(journal, 'started');
  const bootstrapToken = await services.operators.bootstrap();
  for (const warning of geo.warnings) log.warn({}, warning);
  const stopTimers = startTimers({ directory, journal, engine, log, status });
  const stopTails = follow(incidents, INCIDENTS_MS, (error) =>
    log.error({ error: String(error) }, 'incidents could not be kept up to date'),
  );
  const forgetting = setInterval(() => {
    forgetOldEvents(store.notices, Date.now()).catch((error) =>
      log.error({ error: String(error) }, 'old security events could not be removed'),
    );
  }, FORGET_MS);
  containment.resumeAll();
  notices.outbox.start();
  return {
    catalogOf: (name) =>
      loop.routing.upstreams.find((each) => each.name === name)?.catalog ?? new Catalog([]),
    ...{
      ...services,
      incidents,
      containment,
      leaks,
      store,
      journal,
      admin,
      bootstrapToken,
      reload,
      notices,
      reset,
    },
    get listeners() {
      return live.listeners;
    },
    close: async () => {
      closing = true;
      await live.close(CLOSE_GRACE_MS);
      await admin.close();
      await leaks?.close();
      await reset?.close();
      await notices.outbox.close(CLOSE_GRACE_MS);
      stopTimers();
      stopTails();
      clearInterval(forgetting);
      await containment.close();
      control.close();
      note(journal, 'stopped');
      await directory.flush();
      await incidents.catchUp();
      await incidents.flush();
      await engine.flush(true);
      await journal.close();
      await store.close();
    },
  };
}

type Base = Awaited<ReturnType<typeof openBase>>;

/** What is opened once and stays: secrets, journal, databases, store. */
async function openBase(config: Config, options: StartOptions, opened: Close[]) {
  const { fingerprints, masterKey, previousMasterKey, privateKey, eventKey } = loadSecrets(config, true);
  const journalDir = path.join(config.dataDir, 'journal');
  const journal = await journalOf(config, journalDir, privateKey, options.journalThread);
  opened.push(() => journal.close());
  const geo = await openGeo({ asnFile: BUILT_IN_ASN, ...config.geo });
  const store = EmbeddedStore.open(path.join(config.dataDir, 'store'));
  opened.push(() => store.close());
  const directory = new KeyDirectory(store, fingerprints);
  const acts = new Acts(journal, Date.now);
  return {
    ...{ journalDir, journal, geo, store, directory, acts },
    ...{ fingerprints, masterKey, previousMasterKey, privateKey, eventKey },
  };
}

/** The lock on the journal makes this process the only one that writes the store. */
function openControl(
  config: Config,
  { store, directory, acts }: Base,
  { cut, behaviour }: Engine,
  metrics: Metrics,
  log: Log,
): Promise<Control> {
  const { leaseMs, inFlight } = config.gateways;
  return Control.open({
    socketPath: controlSocket(config),
    ...{ leaseMs, inFlight, store },
    applier: new Applier({ store, directory, cut, learner: behaviour }),
    addUsage: (usage) => {
      for (const [id, more] of usage) directory.addUsage(id, more);
      return directory.flush();
    },
    enrol: (key) => acts.run(() => enrolled(store, key)),
    event: (event, { name, pid }) => {
      if (event === 'lost') metrics.leaseLost();
      if (event !== 'joined') store.forgetDeadReaders();
      const facts = { gateway: name, pid };
      if (event === 'lost') log.error(facts, 'a gateway has lost its lease');
      else log.info(facts, event === 'joined' ? 'a gateway joined' : 'a gateway left');
    },
    refused: (why) => log.error({ why }, 'gateways'),
  });
}

/** A key that an upstream has accepted at a gateway, which knows it by its fingerprint. */
async function enrolled(store: KeyStore, key: Enrolment): Promise<boolean> {
  if (store.key(key.id) !== undefined || store.keyByFingerprint(key.fingerprint) !== undefined) return false;
  await store.write({ keys: [foreignKey(key)] });
  return true;
}

/** What operators act through. */
function servicesOf(
  base: Base,
  changes: Control,
  loop: GuardLoop<ProxyUpstream>,
  metrics: Metrics,
  events: KeyEvents,
) {
  const revocations = new Revocations({
    ...base,
    changes,
    events,
    revoked: (seconds) => metrics.revoked(seconds),
  });
  const parts = { ...base, changes, events, revocations, upstreams: () => namesOf(loop) };
  return {
    revocations,
    keys: new KeyService(parts),
    tenants: new TenantService(parts),
    operators: new Operators(parts),
  };
}

function namesOf(loop: GuardLoop<ProxyUpstream>): string[] {
  return loop.routing.upstreams.map(({ name }) => name);
}
