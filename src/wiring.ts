import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from './config/schema.js';
import { buildUpstream } from './edges/proxy/build-upstream.js';
import type { Gateway, ProxyUpstream } from './edges/proxy/gateway.js';
import { HeldMemory } from './edges/proxy/held-memory.js';
import { Behaviour } from './engine/behaviour.js';
import { OwnDesk } from './engine/desk.js';
import { GuardLoop } from './engine/guard-loop.js';
import { Holds } from './engine/holds.js';
import { LearnedPaths } from './engine/learned-paths.js';
import type { BaselineStore, Journal, JournalTicket, Standing } from './engine/ports.js';
import { Routing } from './engine/routing.js';
import type { DecisionEntry } from './journal/entry.js';
import { openJournal } from './journal/writer.js';
import type { KeyDirectory } from './keys/directory.js';
import { Fingerprints } from './keys/fingerprint.js';
import type { Injected } from './keys/sealed-service.js';
import { loadSecret, loadSigningKey, readSecret, SecretFault, type SecretSource } from './keys/secrets.js';
import { LiveConfig } from './live-config.js';
import type { GeoDatabases } from './locations/geo.js';
import type { Log } from './observability/log.js';
import type { Metrics } from './observability/metrics.js';
import { HealthWatch, type Status } from './status.js';
import { version } from './version.js';
import { cidrSet } from './wire/cidr.js';

/** Written by the build beside the compiled code. */
export const BUILT_IN_ASN = fileURLToPath(new URL('../dist/asn.bin', import.meta.url));
const USAGE_FLUSH_MS = 1_000;
const SWEEP_MS = 1_000;
/** A quiet journal still says that it is there, and drops what is past its retention. */
const ALIVE_MS = 3_600_000;

/** @param create whether files of secrets that are missing are made: only by the control process */
export function loadSecrets(config: Config, create: boolean) {
  const { secrets, dataDir } = config;
  const source = (given: SecretSource | undefined, name: string): SecretSource => {
    const chosen = given ?? { file: path.join(dataDir, 'secrets', name) };
    if (!create && 'file' in chosen && !existsSync(chosen.file))
      throw new SecretFault(`${chosen.file} is not there: run keyward up with this configuration first.`);
    return chosen;
  };
  return {
    fingerprints: new Fingerprints(loadSecret(source(secrets.pepper, 'pepper'), 'secrets.pepper')),
    masterKey: loadSecret(source(secrets.masterKey, 'master-key'), 'secrets.masterKey'),
    previousMasterKey:
      secrets.previousMasterKey && readSecret(secrets.previousMasterKey, 'secrets.previousMasterKey'),
    privateKey: loadSigningKey(source(secrets.journalKey, 'journal-key.pem'), 'secrets.journalKey'),
    // Made when it is first needed: only where security events are sent.
    eventKey: secrets.eventKey ?? { file: path.join(dataDir, 'secrets', 'event-key.pem') },
  };
}

/** Where gateways find the control process. */
export function controlSocket({ dataDir, gateways }: Config): string {
  return gateways.socket ?? path.join(dataDir, 'cluster', 'control.sock');
}

export function journalOf(
  config: Config,
  dir: string,
  privateKey: ReturnType<typeof loadSecrets>['privateKey'],
  worker = true,
): Promise<Journal> {
  const { commitMs, segmentBytesMax, bytesMax, ageMsMax } = config.journal;
  const retention = { bytesMax, ageMsMax };
  return openJournal({ dir, privateKey, worker, commitMs, segmentBytesMax, retention });
}

export interface EngineParts {
  readonly config: Config;
  readonly configFile: string | undefined;
  readonly adapt: (config: Config) => Config;
  readonly store: BaselineStore;
  readonly directory: KeyDirectory;
  readonly journal: Journal;
  readonly geo: GeoDatabases;
  readonly metrics: Metrics;
  readonly standing: Standing;
  readonly log: Log & { level?: string };
  /** Told of each decision that the detector had something to say of. */
  readonly found?: (entry: DecisionEntry, ticket: JournalTicket) => void;
  readonly openSealed: (name: string, upstream: string) => Injected;
}

export type Engine = ReturnType<typeof engineOf>;

/** What judges and forwards requests: the same in the control process and in every gateway. */
export function engineOf(parts: EngineParts) {
  const { config, directory, journal, geo, metrics, standing, log } = parts;
  const failed = (error: unknown) => {
    metrics.detectorFailed();
    log.error({ error: String(error) }, 'the detector failed');
  };
  const behaviour = new Behaviour({
    store: parts.store,
    alarmsPerKeyDay: config.detector.alarmsPerThousandKeyDays / 1_000,
    failed,
  });
  const paths = new LearnedPaths(parts.store, failed);
  const holds = new Holds(() => `h_${randomBytes(9).toString('base64url')}`);
  const loop = new GuardLoop<ProxyUpstream>({
    ...{ directory, journal, geo, behaviour, holds, standing, observer: metrics },
    ...(parts.found === undefined ? {} : { found: parts.found }),
    routing: new Routing(
      config.upstreams.map((each) => buildUpstream(each, config.detector, paths.of(each.name))),
    ),
    forwarding: { trusted: cidrSet(config.trustedProxies), header: config.forwardingHeader },
    idPrefix: randomBytes(6).toString('hex'),
  });
  const gateway: Gateway = {
    loop,
    bounds: config.clients,
    heldMemory: new HeldMemory(),
    approvalUrl: config.detector.approvalUrl,
    injection: ({ key, upstream }) =>
      key?.key.sealed === undefined ? undefined : parts.openSealed(key.key.sealed, upstream.name),
  };
  const live = new LiveConfig({
    ...{ config, file: parts.configFile, adapt: parts.adapt, gateway, geo, asnFile: BUILT_IN_ASN, log },
    ...{ budget: behaviour.budget, paths },
  });
  const cut = (keys: ReadonlySet<string>) =>
    live.listeners.flatMap(({ connections }) => [...connections].flatMap((each) => each.cut(keys)));
  const desk = new OwnDesk(behaviour, holds, Date.now);
  /** Writes what was learned since the last time. */
  const flush = async (final = false) => {
    await behaviour.flush(Date.now(), final);
    await paths.flush(Date.now(), final);
  };
  return { behaviour, flush, desk, loop, live, cut };
}

export function note(journal: Journal, event: string): void {
  journal.append({ kind: 'system', time: Date.now(), event, detail: { version } });
}

/** What is done again and again; gives the way to stop it. */
export function startTimers(parts: {
  readonly directory: KeyDirectory;
  readonly journal: Journal;
  readonly engine: Engine;
  readonly log: Log;
  readonly status: () => Pick<Status, 'upstreams' | 'journal'>;
  /** After counters have been written. */
  readonly flushed?: () => void;
}): () => void {
  const { directory, journal, engine, log, status } = parts;
  const { loop } = engine;
  const watch = new HealthWatch(log);
  let flushing = false;
  const flushUsage = async () => {
    if (flushing) return;
    flushing = true;
    try {
      await directory.flush();
      parts.flushed?.();
    } catch (error) {
      log.error({ error: String(error) }, 'usage could not be written');
    } finally {
      flushing = false;
    }
  };
  const flush = setInterval(() => {
    void flushUsage();
    engine.flush().catch((error) => log.error({ error: String(error) }, 'baselines could not be written'));
  }, USAGE_FLUSH_MS);
  const alive = setInterval(() => note(journal, 'alive'), ALIVE_MS);
  const sweep = setInterval(() => {
    for (const { pool } of loop.routing.upstreams) pool.sweep(Date.now());
    watch.look(status());
  }, SWEEP_MS);
  return () => {
    for (const timer of [flush, alive, sweep]) clearInterval(timer);
  };
}
