import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Catalog } from '../catalogs/match.js';
import { type Feed, localFeed } from '../edges/scan/feed/feed.js';
import { LogObserver } from '../edges/scan/observe.js';
import { openGeo } from '../locations/geo.js';
import type { FeedSettings } from './scan-feed.js';

const BUILT_IN_ASN = fileURLToPath(new URL('../../dist/asn.bin', import.meta.url));

/** Reads in this thread. */
export async function openFeedHere(settings: FeedSettings, stdin?: Readable): Promise<Feed> {
  const catalog = settings.catalog === undefined ? undefined : await namedCatalog(settings.catalog);
  const observer = new LogObserver(catalog, await openGeo({ asnFile: BUILT_IN_ASN }));
  const { format, mapping, byTime } = settings;
  return localFeed(settings.sources, observer, {
    byTime,
    ...(format === undefined ? {} : { format }),
    ...(mapping === undefined ? {} : { mapping }),
    ...(stdin === undefined ? {} : { stdin }),
  });
}

/** What reads catalogs takes as long to load as a small scan. */
async function namedCatalog(name: string): Promise<Catalog> {
  const { loadCatalog } = await import('../catalogs/load.js');
  return loadCatalog(name);
}
