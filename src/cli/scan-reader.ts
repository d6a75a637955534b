import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Catalog } from '../catalogs/match.js';
import { type Feed, localFeed, type Observers } from '../edges/scan/feed/feed.js';
import { LogObserver } from '../edges/scan/observe.js';
import { openGeo } from '../locations/geo.js';
import type { FeedSettings } from './scan-feed.js';

const BUILT_IN_ASN = fileURLToPath(new URL('../../dist/asn.bin', import.meta.url));

/** Reads in this thread. */
export async function openFeedHere(settings: FeedSettings, stdin?: Readable): Promise<Feed> {
  const observers = await observersOf(settings.catalog);
  const { format, mapping, byTime } = settings;
  return localFeed(settings.sources, observers, {
    byTime,
    ...(format === undefined ? {} : { format }),
    ...(mapping === undefined ? {} : { mapping }),
    ...(stdin === undefined ? {} : { stdin }),
  });
}

/** One for all logs where a catalog was given; else CloudTrail's has the catalog whose names it speaks. */
async function observersOf(catalog: string | undefined): Promise<Observers> {
  const geo = await openGeo({ asnFile: BUILT_IN_ASN });
  const usual = new LogObserver(catalog === undefined ? undefined : await namedCatalog(catalog), geo);
  if (catalog !== undefined) return async () => usual;
  let cloudTrail: Promise<LogObserver> | undefined;
  return async (format) => {
    if (format !== 'cloudtrail') return usual;
    cloudTrail ??= namedCatalog('aws').then((aws) => new LogObserver(aws, geo));
    return cloudTrail;
  };
}

/** What reads catalogs takes as long to load as a small scan. */
async function namedCatalog(name: string): Promise<Catalog> {
  const { loadCatalog } = await import('../catalogs/load.js');
  return loadCatalog(name);
}
