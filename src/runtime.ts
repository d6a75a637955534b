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
import { GuardLoop } from './engine/guard-loop.js';
import type { Journal, KeyStore } from './engine/ports.js';
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
import { type Log, silentLog } from './observability/log.js';
import { Metrics } from './observability/metrics.js';
import { HealthWatch, statusOf } from './status.js';
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
  readonly store: KeyStore;
  readonly journal: Journal;
  readonly listeners: readonly Listener[];
  readonly admin: AdminServer;
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
  const startedMs = Date.now();
  const log = options.log ?? silentLog;
  const { fingerprints, masterKey, previousMasterKey, privateKey } = loadSecrets(config);
  const journalDir = path.join(config.dataDir, 'journal');
  const metrics = new Metrics();
  const opened: (() => unknown)[] = [];
  try {
    const [journal, geo] = await Promise.all([
      openJournal({
        dir: journalDir,
        privateKey,
        worker: options.journalThread ?? true,
        commitMs: config.journal.commitMs,
        segmentBytesMax: config.journal.segmentBytesMax,
        retention: { bytesMax: config.journal.bytesMax, ageMsMax: config.journal.ageMsMax },
      }),
      openGeo({ asnFile: BUILT_IN_ASN, ...config.geo }),
    ]);
    opened.push(() => journal.close());
    const store = EmbeddedStore.open(path.join(config.dataDir, 'store'));
    opened.push(() => store.close());
    const directory = new KeyDirectory(store, fingerprints);
    const loop = new GuardLoop<ProxyUpstream>({
      routing: new Routing(config.upstreams.map(buildUpstream)),
      forwarding: { trusted: cidrSet(config.trustedProxies), header: config.forwardingHeader },
      directory,
      journal,
      geo,
      observer: metrics,
      idPrefix: randomBytes(6).toString('hex'),
    });
    const acts = new Acts(journal, Date.now);
    const upstreams = () => loop.routing.upstreams;
    const upstreamNames = () => upstreams().map(({ name }) => name);
    const parts = { store, directory, acts, fingerprints, geo, upstreams: upstreamNames };
    const keys = new KeyService(parts);
    const tenants = new TenantService(parts);
    const sealed = new SealedService({ ...parts, masterKey, previousMasterKey });
    const operators = new Operators(parts);
    const gateway: Gateway = {
      loop,
      bounds: config.clients,
      injection: ({ key, upstream }) =>
        key?.key.sealed === undefined ? undefined : sealed.open(key.key.sealed, upstream.name),
    };
    const live = new LiveConfig({
      config,
      file: options.configFile,
      gateway,
      geo,
      asnFile: BUILT_IN_ASN,
      log,
    });
    await live.listen();
    opened.push(() => live.close(0));

    const status = () =>
      statusOf({ version, startedMs, closing, live, upstreams: upstreams(), journal: journal.health(), geo });
    let closing = false;
    metrics.watch({
      journal: () => journal.health(),
      upstreams: () => status().upstreams,
      clientConnections: () => live.listeners.reduce((sum, each) => sum + each.connections.size, 0),
    });
    const reload = async (actor: string) => {
      const result = await acts.run(() =>
        live.reload((changed) => acts.record(actor, 'config.reload', 'config', { changed })),
      );
      log.info({ actor, ...result }, 'configuration reloaded');
      return result;
    };
    const admin = await serveAdmin(
      config.admin,
      adminApp({
        version,
        ...{ operators, keys, tenants, sealed, journalDir, upstreams },
        metrics: metrics.registry,
        now: Date.now,
        unexpected: (error) => log.error({ error: String(error) }, 'an admin request failed unexpectedly'),
        system: {
          status,
          notReady: () => status().problems,
          reload,
          exportManifest: () => exportManifest(store, Date.now()),
          applyManifest: (actor, manifest, how) => applyManifest(parts, actor, manifest, how),
        },
      }),
    );
    opened.push(() => admin.close());
    const note = (event: string) =>
      journal.append({ kind: 'system', time: Date.now(), event, detail: { version } });
    note('started');
    const bootstrapToken = await operators.bootstrap();
    for (const warning of geo.warnings) log.warn({}, warning);

    const watch = new HealthWatch(log);
    const flush = setInterval(() => {
      directory.flush().catch((error) => log.error({ error: String(error) }, 'usage could not be written'));
    }, USAGE_FLUSH_MS);
    const alive = setInterval(() => note('alive'), ALIVE_MS);
    const sweep = setInterval(() => {
      for (const { pool } of upstreams()) pool.sweep(Date.now());
      watch.look(status());
    }, SWEEP_MS);
    return {
      ...{ keys, tenants, sealed, operators, store, journal, admin, bootstrapToken, reload },
      get listeners() {
        return live.listeners;
      },
      close: async () => {
        closing = true;
        await live.close(CLOSE_GRACE_MS);
        await admin.close();
        clearInterval(flush);
        clearInterval(sweep);
        clearInterval(alive);
        note('stopped');
        await directory.flush();
        await journal.close();
        await store.close();
      },
    };
  } catch (error) {
    // A start that fails half-way leaves no listener, lock or thread behind.
    for (const close of opened.reverse()) await close();
    throw error;
  }
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
  };
}
