import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Config } from '../config/schema.js';
import type { Changes, KeyStore, NoticeStore } from '../engine/ports.js';
import type { Acts } from '../keys/acts.js';
import type { Fingerprints } from '../keys/fingerprint.js';
import type { SealedService } from '../keys/sealed-service.js';
import { loadEventKey, readSecretText, SecretFault, type SecretSource } from '../keys/secrets.js';
import type { PublicListener } from '../public/listener.js';
import { cidrSet } from '../wire/cidr.js';
import { emailSender, type SmtpSettings } from './channels/email.js';
import { PollStreams } from './channels/poll.js';
import { pushSender } from './channels/push.js';
import { webhookSender } from './channels/webhook.js';
import { Content } from './content.js';
import { Notices } from './notices.js';
import { Outbox, type Sender } from './outbox.js';
import type { Delivery } from './records.js';
import { PickUp } from './reset/pick-up.js';
import { type ResetServerOptions, serveReset } from './reset/server.js';
import { SecurityEvents, type Stream, TokenSigner } from './security-events.js';
import { loadTemplates } from './templates.js';

interface Parts {
  readonly config: Config;
  readonly store: KeyStore;
  readonly notices: NoticeStore;
  readonly acts: Acts;
  readonly changes: Changes;
  readonly fingerprints: Fingerprints;
  readonly sealed: SealedService;
  /** Signs the journal, and notices. */
  readonly privateKey: KeyObject;
  readonly eventKey: SecretSource;
  readonly tried: (delivery: Delivery) => void;
  readonly failed: (error: unknown) => void;
}

/** What receivers of security events ask for. */
export interface SsfTransmitter {
  readonly issuer: string;
  readonly signer: TokenSigner;
  readonly poll: PollStreams;
}

export interface OpenNotices {
  readonly service: Notices;
  readonly outbox: Outbox;
  readonly events: SecurityEvents;
  readonly ssf: SsfTransmitter | undefined;
  serveReset(forwarding: ResetServerOptions['forwarding']): Promise<PublicListener | undefined>;
}

const POLL_TOKEN_CHARS_MIN = 32;

/** Everything that tells somebody something, wired. @throws ConfigFault, SecretFault */
export async function openNotices(parts: Parts): Promise<OpenNotices> {
  const { config, store, notices, acts, fingerprints, privateKey, failed, tried } = parts;
  const { from, approval, templates, smtp, reset, retries, ssf } = config.notices;
  const allowed = cidrSet(config.notices.webhooks.allowNetworks);
  const { ca: caFile } = config.notices.webhooks;
  const ca = caFile === undefined ? undefined : readFileSync(caFile, 'utf8');
  const content = new Content(parts);
  const streams = (ssf?.streams ?? []).map(streamOf);
  const signer =
    ssf && (await TokenSigner.open(ssf.issuer, loadEventKey(parts.eventKey, 'secrets.eventKey')));
  const { attemptMs, ...policy } = retries;
  const outbox = new Outbox({
    ...{ store: notices, acts, failed, tried, attemptMs, retries: policy, random: Math.random },
    senders: {
      email:
        smtp === undefined || from === undefined
          ? absent('notices.smtp is not configured')
          : emailSender({ smtp: smtpOf(smtp, from, attemptMs), contentOf: (each) => content.email(each) }),
      webhook: webhookSender({ allowed, ca, now: acts.now, contentOf: (each) => content.webhook(each) }),
      push: pushSender({ streams, signer, allowed, ca }),
    },
  });
  const events = new SecurityEvents({ streams, now: acts.now, woken: () => outbox.wake() });
  const service = new Notices({
    ...{ store, notices, acts, fingerprints, events, outbox, approval, reset },
    head: { templates: loadTemplates(templates), sender: from ?? 'Keyward', privateKey },
    smtp: smtp !== undefined,
  });
  const pickUp = new PickUp({ ...parts, events });
  return {
    ...{ service, outbox, events },
    ssf: signer && {
      ...{ issuer: ssf.issuer, signer },
      poll: new PollStreams({ store: notices, streams, signer, now: acts.now }),
    },
    serveReset: async (forwarding) =>
      reset && serveReset({ ...reset, forwarding, pickUp, now: acts.now, failed }),
  };
}

function absent(problem: string): Sender {
  return {
    atOnceMax: 1,
    destination: () => '',
    send: async () => ({ ok: false, permanent: true, problem }),
  };
}

type SmtpConfig = NonNullable<Config['notices']['smtp']>;

function smtpOf(smtp: SmtpConfig, from: string, timeoutMs: number): SmtpSettings {
  const { host, port, security, user, password, ca } = smtp;
  return {
    ...{ host, port, security, from, timeoutMs },
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password: readSecretText(password, 'notices.smtp.password') }),
    ...(ca === undefined ? {} : { ca: readFileSync(ca, 'utf8') }),
  };
}

type StreamConfig = NonNullable<Config['notices']['ssf']>['streams'][number];

function streamOf(config: StreamConfig): Stream {
  const { token: source, ...rest } = config;
  if (source === undefined) return rest;
  const what = `notices.ssf.streams.${config.name}.token`;
  const token = readSecretText(source, what);
  if (config.delivery === 'push') return { ...rest, authorization: token };
  if (token.length < POLL_TOKEN_CHARS_MIN)
    throw new SecretFault(`${what}: expected at least ${POLL_TOKEN_CHARS_MIN} characters.`);
  return { ...rest, token };
}
