import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from './config/schema.js';
import { buildUpstream } from './edges/proxy/build-upstream.js';
import type { Injection } from './edges/proxy/forwarded-head.js';
import type { Gateway, ProxyUpstream } from './edges/proxy/gateway.js';
import { type Listener, listen } from './edges/proxy/listener.js';
import { type Admission, GuardLoop, type Observer } from './engine/guard-loop.js';
import { KeyDirectory } from './engine/key-directory.js';
import type { Journal, KeyStore } from './engine/ports.js';
import { Routing } from './engine/routing.js';
import { openJournal } from './journal/writer.js';
import { Fingerprints } from './keys/fingerprint.js';
import { unseal } from './keys/seal.js';
import { loadSecret, loadSigningKey, type SecretSource } from './keys/secrets.js';
import { KeyService } from './keys/service.js';
import { openGeo } from './locations/geo.js';
import { EmbeddedStore } from './stores/embedded.js';
import { cidrSet } from './wire/cidr.js';

/** Written by the build beside the compiled code. */
const BUILT_IN_ASN = fileURLToPath(new URL('../dist/asn.bin', import.meta.url));
const USAGE_FLUSH_MS = 1_000;
const SWEEP_MS = 1_000;
const CLOSE_GRACE_MS = 10_000;

/** A running guard. */
export interface Running {
  readonly keys: KeyService;
  readonly store: KeyStore;
  readonly journal: Journal;
  readonly listeners: readonly Listener[];
  close(): Promise<void>;
}

/** What a caller may put in place of the defaults. */
export interface StartOptions {
  readonly observer?: Observer;
  /** Whether the journal is written by a thread of its own; default true. */
  readonly journalThread?: boolean;
}

const silent: Observer = { decided: () => undefined };

/** Opens store, journal and databases, and starts the listeners: the one place where everything is wired. */
export async function start(config: Config, options: StartOptions = {}): Promise<Running> {
  const secretAt = (source: SecretSource | undefined, name: string): SecretSource =>
    source ?? { file: path.join(config.dataDir, 'secrets', name) };
  const fingerprints = new Fingerprints(
    loadSecret(secretAt(config.secrets.pepper, 'pepper'), 'secrets.pepper'),
  );
  const masterKey = loadSecret(secretAt(config.secrets.masterKey, 'master-key'), 'secrets.masterKey');
  const privateKey = loadSigningKey(
    secretAt(config.secrets.journalKey, 'journal-key.pem'),
    'secrets.journalKey',
  );
  const upstreams = config.upstreams.map(buildUpstream);
  const [journal, geo] = await Promise.all([
    openJournal({
      dir: path.join(config.dataDir, 'journal'),
      privateKey,
      worker: options.journalThread ?? true,
      commitMs: config.journal.commitMs,
      segmentBytesMax: config.journal.segmentBytesMax,
      retention: { bytesMax: config.journal.bytesMax, ageMsMax: config.journal.ageMsMax },
    }),
    openGeo({ asnFile: BUILT_IN_ASN, ...config.geo }),
  ]);
  const store = EmbeddedStore.open(path.join(config.dataDir, 'store'));
  const directory = new KeyDirectory(store, fingerprints);
  const loop = new GuardLoop<ProxyUpstream>({
    routing: new Routing(upstreams),
    forwarding: { trusted: cidrSet(config.trustedProxies), header: config.forwardingHeader },
    directory,
    journal,
    geo,
    observer: options.observer ?? silent,
    idPrefix: randomBytes(6).toString('hex'),
  });
  const gateway: Gateway = { loop, bounds: config.clients, injection: injector(store, masterKey) };
  const keys = new KeyService({
    store,
    directory,
    journal,
    fingerprints,
    now: Date.now,
    upstreams: () => loop.routing.upstreams.map(({ name }) => name),
  });
  const listeners = await Promise.all(config.listeners.map((listener) => listen(listener, gateway)));

  const flush = setInterval(() => void directory.flush().catch(() => undefined), USAGE_FLUSH_MS);
  const sweep = setInterval(() => {
    for (const { pool } of loop.routing.upstreams) pool.sweep(Date.now());
  }, SWEEP_MS);
  return {
    keys,
    store,
    journal,
    listeners,
    close: async () => {
      await Promise.all(listeners.map((listener) => listener.close(CLOSE_GRACE_MS)));
      clearInterval(flush);
      clearInterval(sweep);
      for (const { pool } of loop.routing.upstreams) pool.close();
      await directory.flush();
      await journal.close();
      await store.close();
    },
  };
}

const UNSEALED_MAX = 1_024;

/** Opens sealed credentials once and remembers them by their ciphertext: a new seal is a new secret. */
function injector(
  store: KeyStore,
  masterKey: Buffer,
): (admission: Admission<ProxyUpstream>) => Injection | undefined {
  const opened = new Map<string, Injection>();
  return (admission) => {
    const name = admission.key?.key.sealed;
    if (name === undefined) return undefined;
    const sealed = store.sealed(name);
    if (sealed === undefined || sealed.upstream !== admission.upstream.name)
      throw new Error(`There is no sealed credential ${name} for ${admission.upstream.name}.`);
    const known = opened.get(sealed.secret);
    if (known !== undefined) return known;
    const injection = {
      header: sealed.header,
      value: sealed.template.replace('{secret}', unseal(sealed, masterKey)),
    };
    if (opened.size >= UNSEALED_MAX) opened.clear();
    opened.set(sealed.secret, injection);
    return injection;
  };
}
