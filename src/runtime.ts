import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { adminApp } from './admin/app.js';
import { Operators } from './admin/operators.js';
import { type AdminServer, serveAdmin } from './admin/server.js';
import type { Config } from './config/schema.js';
import { buildUpstream } from './edges/proxy/build-upstream.js';
import type { Gateway, ProxyUpstream } from './edges/proxy/gateway.js';
import type { Listener } from './edges/proxy/listener.js';
import { Approvals } from './engine/approvals.js';
import { Behaviour } from './engine/behaviour.js';
import { GuardLoop } from './engine/guard-loop.js';
import { Holds } from './engine/holds.js';
import type { Journal, KeyEvents, KeyStore } from './engine/ports.js';
import { Routing } from './engine/routing.js';
import { openJournal } from './journal/writer.js';
import { Acts } from './keys/acts.js';
import { KeyDirectory } from './keys/directory.js';
import { Fingerprints } from './keys/fingerprint.js';
import { applyManifest, exportManifest } from './keys/manifest.js';
import { SealedService } from './keys/sealed-service.js';
import { loadSecret, loadSigningKey, readSecret, type SecretSource } from './keys/secrets.js';
import { KeyService } from './keys/service.js';
import { TenantService } from './keys/tenants.js';
import { LiveConfig } from './live-config.js';
import { openGeo } from './locations/geo.js';
import { type OpenNotices, openNotices } from './notices/open.js';
import type { ResetServer } from './notices/reset/server.js';
import { forgetOldEvents } from './notices/retention.js';
import { type Log, silentLog } from './observability/log.js';
import { Metrics } from './observability/metrics.js';
import { HealthWatch, type Status, statusOf } from './status.js';
import { EmbeddedStore } from './stores/embedded.js';
import { version } from './version.js';
import { cidrSet } from './wire/cidr.js';

/** Written by the build beside the compiled code. */
const BUILT_IN_ASN = fileURLToPath(new URL('../dist/asn.bin', import.meta.url));
const USAGE_FLUSH_MS = 1_000;
const SWEEP_MS = 1_000;
const CLOSE_GRACE_MS = 10_000;
/** A quiet journal still says that it is there, and drops what is past its retention. */
const ALIVE_MS = 3_600_000;

/** A running guard. */
export interface Running {
  readonly keys: KeyService;
  readonly tenants: TenantService;
  readonly sealed: SealedService;
  readonly operators: Operators;
  readonly approvals: Approvals;
  readonly store: KeyStore;
  readonly journal: Journal;
  readonly listeners: readonly Listener[];
  readonly admin: AdminServer;
  readonly notices: OpenNotices;
  /** Where replacement keys are picked up, where that is configured. */
  readonly reset: ResetServer | undefined;
  /** The token of the first operator, on the first run only: show it once, it is not kept. */
  readonly bootstrapToken: string | undefined;
  /** @throws ConfigFault, and then nothing has changed */
  reload(actor: string): Promise<{ changed: string[] }>;
  close(): Promise<void>;
}

/** What a caller may put in place of the defaults. */
export interface StartOptions {
  readonly log?: Log & { level?: string };
  /** Where `reload` reads the configuration from; without it there is nothing to reload. */
  readonly configFile?: string;
  /** Whether the journal is written by a thread of its own; default true. */
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
  const behaviour = new Behaviour({
    store,
    alarmsPerKeyDay: config.detector.alarmsPerThousandKeyDays / 1_000,
    failed: (error) => {
      metrics.detectorFailed();
      log.error({ error: String(error) }, 'the detector failed');
    },
  });
  const holds = new Holds(() => `h_${randomBytes(9).toString('base64url')}`);
  const loop = new GuardLoop<ProxyUpstream>({
    ...{ directory, journal, geo, behaviour, holds, observer: metrics },
    routing: new Routing(config.upstreams.map((each) => buildUpstream(each, config.detector))),
    forwarding: { trusted: cidrSet(config.trustedProxies), header: config.forwardingHeader },
    idPrefix: randomBytes(6).toString('hex'),
  });
  const sealed = new SealedService({ ...base, upstreams: () => namesOf(loop) });
  const notices = await openNotices({
    ...{ ...base, config, sealed, notices: store.notices },
    tried: ({ id, channel, state, problem }) => {
      metrics.deliveryTried(channel, state);
      if (problem !== undefined) log.warn({ delivery: id, channel, state, problem }, 'a delivery failed');
    },
    failed: (error) => log.error({ error: String(error) }, 'notices could not be sent or handed over'),
  });
  const { events } = notices;
  const services = {
    ...{ ...servicesOf(base, loop, events), sealed },
    approvals: new Approvals({ acts, behaviour, holds, store }),
  };
  const gateway: Gateway = {
    loop,
    bounds: config.clients,
    approvalUrl: config.detector.approvalUrl,
    injection: ({ key, upstream }) =>
      key?.key.sealed === undefined ? undefined : services.sealed.open(key.key.sealed, upstream.name),
  };
  const live = new LiveConfig({ config, file: options.configFile, gateway, geo, asnFile: BUILT_IN_ASN, log });
  await live.listen();
  opened.push(() => live.close(0));

  let closing = false;
  const status = () => {
    const { upstreams } = loop.routing;
    return statusOf({ version, startedMs, closing, live, upstreams, journal: journal.health(), geo });
  };
  metrics.watch({
    journal: () => journal.health(),
    budget: () => behaviour.budgetStanding,
    upstreams: () => status().upstreams,
    clientConnections: () => live.listeners.reduce((sum, each) => sum + each.connections.size, 0),
  });
  const reload = async (actor: string) => {
    const commit = (changed: string[]) => acts.record(actor, 'config.reload', 'config', { changed });
    const result = await acts.run(() => live.reload(commit));
    log.info({ actor, ...result }, 'configuration reloaded');
    return result;
  };
  const admin = await serveAdmin(
    config.admin,
    adminApp({
      ...services,
      ...{ version, journalDir: base.journalDir, metrics: metrics.registry, now: Date.now },
      ...{ notices, noticeStore: store.notices },
      upstreams: () => loop.routing.upstreams,
      unexpected: (error) => log.error({ error: String(error) }, 'an admin request failed unexpectedly'),
      system: {
        ...{ status, reload, notReady: () => status().problems },
        exportManifest: () => exportManifest(store, Date.now()),
        applyManifest: (actor, manifest, how) =>
          applyManifest({ ...base, events, upstreams: () => namesOf(loop) }, actor, manifest, how),
      },
    }),
  );
  opened.push(() => admin.close());
  const reset = await notices.serveReset(() => loop.forwarding);
  opened.push(async () => reset?.close());
  note(journal, 'started');
  const bootstrapToken = await services.operators.bootstrap();
  for (const warning of geo.warnings) log.warn({}, warning);
  const stopTimers = startTimers({ ...base, behaviour }, loop, log, status);
  notices.outbox.start();
  return {
    ...{ ...services, store, journal, admin, bootstrapToken, reload, notices, reset },
    get listeners() {
      return live.listeners;
    },
    close: async () => {
      closing = true;
      await live.close(CLOSE_GRACE_MS);
      await admin.close();
      await reset?.close();
      await notices.outbox.close(CLOSE_GRACE_MS);
      stopTimers();
      note(journal, 'stopped');
      await directory.flush();
      await behaviour.flush(Date.now(), true);
      await journal.close();
      await store.close();
    },
  };
}

type Base = Awaited<ReturnType<typeof openBase>>;

/** What is opened once and stays: secrets, journal, databases, store. */
async function openBase(config: Config, options: StartOptions, opened: Close[]) {
  const { fingerprints, masterKey, previousMasterKey, privateKey, eventKey } = loadSecrets(config);
  const journalDir = path.join(config.dataDir, 'journal');
  const journal = await openJournal({
    dir: journalDir,
    privateKey,
    worker: options.journalThread ?? true,
    commitMs: config.journal.commitMs,
    segmentBytesMax: config.journal.segmentBytesMax,
    retention: { bytesMax: config.journal.bytesMax, ageMsMax: config.journal.ageMsMax },
  });
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

/** What operators act through. */
function servicesOf(base: Base, loop: GuardLoop<ProxyUpstream>, events: KeyEvents) {
  const parts = { ...base, events, upstreams: () => namesOf(loop) };
  return {
    keys: new KeyService(parts),
    tenants: new TenantService(parts),
    operators: new Operators(parts),
  };
}

function namesOf(loop: GuardLoop<ProxyUpstream>): string[] {
  return loop.routing.upstreams.map(({ name }) => name);
}

function note(journal: Journal, event: string): void {
  journal.append({ kind: 'system', time: Date.now(), event, detail: { version } });
}

/** What is done again and again; gives the way to stop it. */
function startTimers(
  { directory, journal, behaviour, store }: Base & { behaviour: Behaviour },
  loop: GuardLoop<ProxyUpstream>,
  log: Log,
  status: () => Status,
): () => void {
  const watch = new HealthWatch(log);
  const flush = setInterval(() => {
    directory.flush().catch((error) => log.error({ error: String(error) }, 'usage could not be written'));
    behaviour
      .flush(Date.now())
      .catch((error) => log.error({ error: String(error) }, 'baselines could not be written'));
  }, USAGE_FLUSH_MS);
  const alive = setInterval(() => {
    note(journal, 'alive');
    forgetOldEvents(store.notices, Date.now()).catch((error) =>
      log.error({ error: String(error) }, 'old security events could not be removed'),
    );
  }, ALIVE_MS);
  const sweep = setInterval(() => {
    for (const { pool } of loop.routing.upstreams) pool.sweep(Date.now());
    watch.look(status());
  }, SWEEP_MS);
  return () => {
    for (const timer of [flush, alive, sweep]) clearInterval(timer);
  };
}

function loadSecrets(config: Config) {
  const { secrets, dataDir } = config;
  const source = (given: SecretSource | undefined, name: string): SecretSource =>
    given ?? { file: path.join(dataDir, 'secrets', name) };
  return {
    fingerprints: new Fingerprints(loadSecret(source(secrets.pepper, 'pepper'), 'secrets.pepper')),
    masterKey: loadSecret(source(secrets.masterKey, 'master-key'), 'secrets.masterKey'),
    previousMasterKey:
      secrets.previousMasterKey && readSecret(secrets.previousMasterKey, 'secrets.previousMasterKey'),
    privateKey: loadSigningKey(source(secrets.journalKey, 'journal-key.pem'), 'secrets.journalKey'),
    eventKey: source(secrets.eventKey, 'event-key.pem'),
  };
}
