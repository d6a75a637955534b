import { readFileSync } from 'node:fs';
import net from 'node:net';
import type { PathTemplates } from '../../catalogs/learn.js';
import { loadCatalog } from '../../catalogs/load.js';
import { Catalog } from '../../catalogs/match.js';
import type { DetectorConfig, UpstreamConfig } from '../../config/schema.js';
import { compileLocations } from '../../core/location.js';
import type { BehaviourPolicy } from '../../engine/behaviour.js';
import type { ProxyUpstream } from './gateway.js';
import { UpstreamPool } from './upstream-pool.js';

/** An upstream made ready from its configuration. Reads the files it names; throws when one is unusable. */
export function buildUpstream(
  config: UpstreamConfig,
  detector: DetectorConfig,
  templates: PathTemplates,
): ProxyUpstream {
  const url = new URL(config.url);
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const pool = new UpstreamPool({
    name: config.name,
    host,
    port: Number(url.port) || (secure ? 443 : 80),
    connectionsMax: config.connectionsMax,
    queueMax: config.queueMax,
    connectTimeoutMs: config.timeouts.connectMs,
    keepAliveMs: config.keepAliveMs,
    ...(secure ? { tls: tlsOptions(config, host) } : {}),
  });
  return {
    name: config.name,
    hosts: config.hosts,
    prefixes: config.prefixes,
    credentials: config.credentials,
    foreignKeys: config.foreignKeys,
    catalog: catalogOf(config),
    policy: { locations: compileLocations(config.locations), bodyBytesMax: config.bodyBytesMax },
    encodedSeparators: config.encodedSeparators,
    methodOverride: config.methodOverride,
    failPolicy: config.failPolicy,
    behaviour: behaviourOf(config, detector),
    templates,
    pool,
    timeouts: config.timeouts,
    authority: url.host,
    hostHeader: config.hostHeader,
    identityHeaders: config.identityHeaders,
    upgrades: config.upgrades,
  };
}

const HOLD_STATUS = { refuse: 403, challenge: 401, accept: 202 } as const;

function behaviourOf(config: UpstreamConfig, detector: DetectorConfig): BehaviourPolicy {
  const [none, read, write, access, takeover] = detector.actions;
  return {
    mode: config.detectorMode ?? detector.mode,
    plan: [none, read, write, access, takeover],
    maintenance: detector.maintenance,
    onError: detector.onError,
    holdStatus: HOLD_STATUS[detector.holdAnswer],
  };
}

function catalogOf({ catalog, openapi, privileges }: UpstreamConfig): Catalog {
  const source = catalog ?? openapi;
  return source === undefined ? new Catalog([]) : loadCatalog(source, privileges);
}

function tlsOptions(config: UpstreamConfig, host: string) {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
  return {
    // RFC 6066 section 3: an address is no server name; the certificate is held against it all the same.
    servername: config.tls?.serverName ?? (net.isIP(host) === 0 ? host : undefined),
    ca: read(config.tls?.ca),
    cert: read(config.tls?.cert),
    key: read(config.tls?.key),
    ALPNProtocols: ['http/1.1'],
  };
}
