import { readFileSync } from 'node:fs';
import type { Config } from '../config/schema.js';
import { PlaceLimiter } from '../core/place-limiter.js';
import type { Forwarding, PublicListener } from '../public/listener.js';
import { LeakIntake } from './intake.js';
import { serveLeaks } from './server.js';
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
export async function openLeaks(parts: Parts): Promise<PublicListener | undefined> {
  const { config, forwarding, failed } = parts;
  const { listener, partnerMeasure, publicMeasure, reportsPerMinute } = config;
  if (listener === undefined) return undefined;
  const { tls, ...address } = listener;
  return serveLeaks({
    ...{ ...address, ...(tls === undefined ? {} : { tls }), partnerMeasure, publicMeasure, failed },
    partners: config.partners.map(({ name, keysFile }) => readPartner(name, keysFile)),
    intake: new LeakIntake(parts),
    limiter: new PlaceLimiter(reportsPerMinute),
    forwarding,
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
