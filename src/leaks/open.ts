import { readFileSync } from 'node:fs';
import type http from 'node:http';
import type { Config } from '../config/schema.js';
import { PlaceLimiter } from '../core/place-limiter.js';
import type { Forwarding } from '../engine/guard-loop.js';
import { clientAddress } from '../wire/client-address.js';
import { parseIp } from '../wire/ip-address.js';
import { LeakIntake } from './intake.js';
import { type LeakServer, serveLeaks } from './server.js';
import { type Partner, type PublishedKeys, partnerOf } from './signature.js';

type Parts = ConstructorParameters<typeof LeakIntake>[0] & {
  readonly config: Config['leaks'];
  readonly forwarding: () => Forwarding;
  readonly failed: (error: unknown) => void;
};

/**
 * The public listener for leaked keys, where it is configured.
 * @throws {Error} for keys of a partner that cannot be read
 */
export async function openLeaks(parts: Parts): Promise<LeakServer | undefined> {
  const { config, forwarding, failed } = parts;
  const { listener, partnerMeasure, publicMeasure, reportsPerMinute } = config;
  if (listener === undefined) return undefined;
  const { tls, ...address } = listener;
  return serveLeaks({
    ...{ ...address, ...(tls === undefined ? {} : { tls }), partnerMeasure, publicMeasure, failed },
    partners: config.partners.map(({ name, keysFile }) => readPartner(name, keysFile)),
    intake: new LeakIntake(parts),
    limiter: new PlaceLimiter(reportsPerMinute),
    placeOf: (request) => placeOf(request, forwarding()),
    now: Date.now,
  });
}

function readPartner(name: string, file: string): Partner {
  try {
    return partnerOf(name, JSON.parse(readFileSync(file, 'utf8')) as PublishedKeys);
  } catch (error) {
    throw new Error(
      `leaks.partners: ${file} cannot be used: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** The client, behind trusted proxies as everywhere. */
function placeOf(request: http.IncomingMessage, { trusted, header }: Forwarding): string {
  const peer = parseIp(request.socket.remoteAddress ?? '') ?? parseIp('0.0.0.0');
  if (peer === undefined) return '';
  const given = header === 'none' ? undefined : request.headers[header];
  const values = given === undefined ? [] : Array.isArray(given) ? given : [given];
  if (header === 'none' || values.length === 0) return peer.text;
  return clientAddress({
    ...{ peer, trusted, header },
    forwardedFor: header === 'x-forwarded-for' ? values : [],
    forwarded: header === 'forwarded' ? values : [],
  }).text;
}
