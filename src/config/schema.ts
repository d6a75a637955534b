import { z } from 'zod';
import { ACTIONS } from '../core/response.js';
import { containment } from './containment.js';
import { milliseconds, port, secretSource, serverTls } from './fields.js';
import { gateways } from './gateways.js';
import { leaks } from './leaks.js';
import { notices } from './notices.js';
import { timeWindow } from './time-window.js';

const privilege = z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4)]);

const locationRule = z.union([
  z.strictObject({ cidr: z.string().describe('An IPv4 or IPv6 network or address.') }),
  z.strictObject({ country: z.string().describe('ISO 3166-1 alpha-2 code.') }),
  z.strictObject({ asn: z.number().int().min(1).max(4_294_967_295).describe('Autonomous system number.') }),
  z.strictObject({
    kind: z.enum(['hosting', 'residential', 'tor', 'vpn', 'private', 'unknown']).describe('Kind of network.'),
  }),
]);

export const locationRules = z
  .strictObject({
    allow: z
      .array(locationRule)
      .max(10_000)
      .optional()
      .describe('A request must match one of these, if any is given.'),
    deny: z.array(locationRule).max(10_000).optional().describe('A request must match none of these.'),
  })
  .describe('Places from which requests are accepted. Of key, tenant and upstream the strictest wins.');

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const credentialSource = z.union([
  z.strictObject({ in: z.literal('header'), name: z.string().regex(HEADER_NAME).toLowerCase() }),
  z.strictObject({ in: z.literal('authorization'), scheme: z.string().regex(HEADER_NAME) }),
  z.strictObject({ in: z.literal('basic'), part: z.enum(['username', 'password', 'both']) }),
  z.strictObject({ in: z.literal('query'), name: z.string().min(1) }),
  z.strictObject({ in: z.literal('cookie'), name: z.string().min(1) }),
]);

const listenerTls = z.strictObject({
  cert: z.string().describe('PEM file with the certificate chain.'),
  key: z.string().describe('PEM file with the private key.'),
  clientCa: z
    .string()
    .optional()
    .describe('PEM file: ask clients for a certificate that this CA signed, and require it.'),
});

const listener = z.strictObject({
  host: z.string().default('127.0.0.1').describe('Address to listen on.'),
  port: port.describe('TCP port; 0 takes a free one.'),
  tls: listenerTls.optional().describe('Serve TLS, with HTTP/2 and HTTP/1.1 by ALPN.'),
  proxyProtocol: z
    .enum(['off', 'require'])
    .default('off')
    .describe('Whether every connection begins with a PROXY protocol v1 or v2 header from a trusted proxy.'),
});

const upstreamTls = z.strictObject({
  ca: z.string().optional().describe('PEM file with the CA to trust instead of the system ones.'),
  cert: z.string().optional().describe('PEM file with a client certificate.'),
  key: z.string().optional().describe('PEM file with its private key.'),
  serverName: z
    .string()
    .optional()
    .describe('Name to expect in the certificate; default is the host of the URL.'),
});

const timeouts = z
  .strictObject({
    connectMs: milliseconds.default(5_000).describe('To connect to the upstream, TLS included.'),
    headMs: milliseconds.default(60_000).describe('From the end of the request to the head of the response.'),
    idleMs: milliseconds.default(120_000).describe('Without a byte in either direction.'),
    totalMs: milliseconds.default(3_600_000).describe('For the whole exchange.'),
  })
  .prefault({});

const DETECTOR_MODES = ['off', 'learn', 'observe', 'enforce'] as const;
const action = z.enum(ACTIONS);

const detector = z
  .strictObject({
    mode: z
      .enum(DETECTOR_MODES)
      .default('observe')
      .describe(
        'learn: baselines only; observe: flags odd calls and blocks none; enforce: acts as actions say; off: nothing is learned.',
      ),
    alarmsPerThousandKeyDays: z
      .number()
      .min(0.01)
      .max(1_000)
      .default(2)
      .describe('Budget of false alarms: so many in 1,000 days of one key. Thresholds follow from it.'),
    actions: z
      .tuple([action, action, action, action, action])
      .default(['flag', 'flag', 'flag', 'hold', 'hold'])
      .describe(
        'What is done with an odd call, by the privilege of its operation, 0 to 4. freeze holds it and freezes its key, as often as containment.keysPerHourMax allows.',
      ),
    maintenance: z.array(timeWindow).max(64).default([]).describe('Windows in which enforce only observes.'),
    onError: z
      .enum(['open', 'closed'])
      .default('open')
      .describe(
        'When the detector itself fails: open lets the call pass, closed refuses it with 503. Both are logged and counted.',
      ),
    holdAnswer: z
      .enum(['refuse', 'challenge', 'accept'])
      .default('refuse')
      .describe('Answer to a held call: 403, 401, or 202. After an approval the same request passes once.'),
    approvalUrl: z
      .string()
      .regex(/^https?:\/\/[^\s]+$/, 'must be an http(s) address')
      .refine((url) => url.includes('{hold}'), 'must have {hold} where the id of the hold goes')
      .optional()
      .describe('Page where a person approves, told to the caller; {hold} becomes the id of the hold.'),
  })
  .prefault({});

const upstream = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
    .describe('Name used in keys, journal and metrics.'),
  url: z
    .string()
    .regex(/^https?:\/\/[^/?#]+$/, 'must be http://host[:port] or https://host[:port] without a path')
    .describe('Origin of the API.'),
  hosts: z.array(z.string()).default([]).describe('Host names this upstream answers to; empty: any.'),
  prefixes: z
    .array(z.string().startsWith('/'))
    .min(1)
    .default(['/'])
    .describe('Path prefixes this upstream answers to; the longest wins.'),
  hostHeader: z
    .enum(['upstream', 'preserve'])
    .default('upstream')
    .describe("Host header towards the upstream: its own, or the client's."),
  credentials: z
    .array(credentialSource)
    .min(1)
    .default([
      { in: 'header', name: 'x-api-key' },
      { in: 'authorization', scheme: 'Bearer' },
    ])
    .describe('Where clients put their key.'),
  foreignKeys: z
    .enum(['refuse', 'known', 'enrol'])
    .default('refuse')
    .describe(
      "The upstream's own keys: refuse all, admit those registered, or enrol each one that the upstream accepts.",
    ),
  identityHeaders: z
    .boolean()
    .default(false)
    .describe('Tell the upstream who calls: X-Keyward-Key, -Tenant and -Principal.'),
  catalog: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Operations and their privileges: a built-in catalog (jumpcloud, github, okta, keycloak, aws), or a catalog or OpenAPI 3 file named with its path (./api.json).',
    ),
  openapi: z.string().optional().describe('OpenAPI 3 file that names the operations, in place of catalog.'),
  privileges: z
    .record(z.string(), privilege)
    .default({})
    .describe('Privilege by operation name or pattern, over what the catalog says.'),
  locations: locationRules.optional(),
  bodyBytesMax: z.number().int().min(0).optional().describe('Largest request body.'),
  encodedSeparators: z
    .enum(['refuse', 'forward'])
    .default('refuse')
    .describe('Encoded slashes (%2F) in a path.'),
  methodOverride: z
    .enum(['refuse', 'forward'])
    .default('refuse')
    .describe('X-HTTP-Method-Override and its like, with dashes or underscores, and `_method` in a query.'),
  upgrades: z
    .array(z.string().toLowerCase())
    .default(['websocket'])
    .describe('Protocols a connection may be upgraded to.'),
  failPolicy: z
    .enum(['closed', 'open'])
    .default('closed')
    .describe(
      'When the journal cannot be written: closed refuses every request, open goes on with privilege 0 to 2 and counts what was lost.',
    ),
  detectorMode: z
    .enum(DETECTOR_MODES)
    .optional()
    .describe('Mode of the detector for this upstream, over detector.mode.'),
  tls: upstreamTls.optional(),
  timeouts,
  connectionsMax: z
    .number()
    .int()
    .min(1)
    .max(65_535)
    .default(256)
    .describe('Open connections to the upstream.'),
  queueMax: z
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .default(1_024)
    .describe('Requests that may wait for a connection.'),
  keepAliveMs: milliseconds.default(60_000).describe('How long an idle connection to the upstream is kept.'),
});

export const configSchema = z.strictObject({
  dataDir: z.string().default('./keyward-data').describe('Directory of the embedded store and the journal.'),
  listeners: z.array(listener).min(1).describe('Where requests come in.'),
  trustedProxies: z
    .array(z.string())
    .default([])
    .describe('Networks of the proxies whose forwarding header is believed.'),
  forwardingHeader: z
    .enum(['x-forwarded-for', 'forwarded', 'none'])
    .default('x-forwarded-for')
    .describe('Header in which trusted proxies name the client.'),
  upstreams: z.array(upstream).min(1).describe('The protected APIs.'),
  clients: z
    .strictObject({
      connectionsMax: z
        .number()
        .int()
        .min(1)
        .default(10_000)
        .describe('Open client connections per listener.'),
      headMs: milliseconds.default(10_000).describe('For a client to send its request head.'),
      idleMs: milliseconds
        .default(75_000)
        .describe('Between requests on a kept-alive connection, and for the whole body of a held call.'),
      headBytesMax: z
        .number()
        .int()
        .min(1_024)
        .max(1_048_576)
        .default(32_768)
        .describe('Size of a request head.'),
      heldBytesMax: z
        .number()
        .int()
        .min(0)
        .default(67_108_864)
        .describe(
          'Bodies of held calls in memory, in all. Beyond, a held call is refused and cannot be approved.',
        ),
    })
    .prefault({}),
  admin: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('Address of the admin API.'),
      port: port.default(7071).describe('Port of the admin API.'),
      tls: serverTls.optional().describe('Needed where the address is not loopback.'),
    })
    .prefault({}),
  detector,
  containment,
  leaks,
  gateways,
  notices,
  journal: z
    .strictObject({
      commitMs: z
        .number()
        .int()
        .min(1)
        .max(10)
        .default(5)
        .describe('Group commit: an entry is on disk within this time.'),
      segmentBytesMax: z
        .number()
        .int()
        .min(1_048_576)
        .default(134_217_728)
        .describe('Size at which a new segment begins.'),
      bytesMax: z
        .number()
        .int()
        .min(1_048_576)
        .optional()
        .describe('Total size; the oldest segments are removed.'),
      ageMsMax: z.number().int().min(60_000).optional().describe('Age of the oldest segment.'),
    })
    .prefault({}),
  secrets: z
    .strictObject({
      pepper: secretSource
        .optional()
        .describe('Fingerprints keys. Default: secrets/pepper in the data directory.'),
      masterKey: secretSource
        .optional()
        .describe('Seals upstream credentials. Default: secrets/master-key in the data directory.'),
      previousMasterKey: secretSource
        .optional()
        .describe('The master key in use before, until `keyward sealed rewrap` has run.'),
      journalKey: secretSource
        .optional()
        .describe('Signs journal and notices. Default: secrets/journal-key.pem in the data directory.'),
      eventKey: secretSource
        .optional()
        .describe(
          'Signs security event tokens: RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA) in PEM. Default: secrets/event-key.pem in the data directory, RSA.',
        ),
    })
    .prefault({}),
  geo: z
    .strictObject({
      countryFile: z
        .string()
        .optional()
        .describe('A .mmdb with countries (MaxMind GeoLite2 Country or City) in place of the built-in one.'),
      asnMmdb: z
        .string()
        .optional()
        .describe('A .mmdb with AS numbers (MaxMind GeoLite2 ASN) in place of the built-in table.'),
      lists: z
        .partialRecord(z.enum(['tor', 'vpn', 'hosting', 'residential']), z.string())
        .default({})
        .describe('Files with a CIDR or AS number a line, by kind of network.'),
    })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') })
    .prefault({}),
});

export type Config = z.infer<typeof configSchema>;
export type DetectorConfig = Config['detector'];
export type UpstreamConfig = Config['upstreams'][number];
export type ListenerConfig = Config['listeners'][number];
