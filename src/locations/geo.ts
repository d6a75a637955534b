import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Place } from '../core/observation.js';
import type { Geo } from '../engine/ports.js';
import { type IpAddress, parseIp } from '../wire/ip-address.js';
import { AsnTable, type Network } from './asn-table.js';
import { countryOf, type Mmdb, networkOf, openMmdb } from './mmdb.js';
import { type KindListFiles, type KindLists, networkKind, readKindLists } from './network-kind.js';
import { PlaceCache } from './place-cache.js';

export interface GeoOptions {
  /** An .mmdb with countries (GeoLite2-Country or -City, or ip-location-db); the bundled one when absent. */
  readonly countryFile?: string;
  /** The table that compile-asn.ts writes. */
  readonly asnFile?: string;
  /** An .mmdb with AS numbers (GeoLite2-ASN, or ip-location-db); where given, `asnFile` is not read. */
  readonly asnMmdb?: string;
  readonly lists?: KindListFiles;
  /** Places kept in memory; 0 for none. */
  readonly placesMax?: number;
}

/** The offline databases, opened. */
export interface GeoDatabases extends Geo {
  /** What lookups cannot know, in words, since the last (re)load. */
  readonly warnings: readonly string[];
  /** Reads all files again; lookups go on with the old ones until the function that it gives is called. */
  prepare(options?: GeoOptions): Promise<() => void>;
}

interface Databases {
  readonly country: Mmdb | undefined;
  readonly networkOf: (address: IpAddress) => Network | undefined;
  readonly lists: KindLists;
  readonly cache: PlaceCache;
  readonly warnings: readonly string[];
}

const PLACES_MAX = 65_536;
const BUNDLED_COUNTRIES = '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb';
const NOWHERE: Place = { kind: 'unknown' };

/** Opens the databases. Rejects where a file that was asked for is there and cannot be read. */
export async function openGeo(options: GeoOptions = {}): Promise<GeoDatabases> {
  let current = await loadDatabases(options);
  return {
    get warnings() {
      return current.warnings;
    },
    async prepare(changed = options) {
      const next = await loadDatabases(changed);
      return () => {
        current = next;
      };
    },
    lookup: (address) => lookup(current, address),
  };
}

function lookup(databases: Databases, text: string): Place {
  const cached = databases.cache.get(text);
  if (cached !== undefined) return cached;
  const address = parseIp(text);
  if (address === undefined) return NOWHERE;
  const place = placeOf(databases, address);
  databases.cache.set(text, place);
  return place;
}

function placeOf(databases: Databases, address: IpAddress): Place {
  const network = databases.networkOf(address);
  const kind = networkKind(databases.lists, address, network);
  const country = countryOf(databases.country?.get(address.text));
  return {
    ...(country !== undefined && { country }),
    ...(network !== undefined && { asn: network.asn }),
    ...(network !== undefined && network.network !== '' && { network: network.network }),
    kind,
  };
}

async function loadDatabases(options: GeoOptions): Promise<Databases> {
  const warnings: string[] = [];
  const [country, networks, lists] = await Promise.all([
    openCountries(options, warnings),
    openNetworks(options, warnings),
    readKindLists(options.lists ?? {}),
  ]);
  const cache = new PlaceCache(options.placesMax ?? PLACES_MAX);
  return { country, networkOf: networks, lists, cache, warnings };
}

async function openCountries(options: GeoOptions, warnings: string[]): Promise<Mmdb | undefined> {
  if (options.countryFile !== undefined) return openMmdb(options.countryFile);
  const bundled = bundledCountries();
  if (bundled === undefined)
    warnings.push('Countries are unknown: no country database is given or installed.');
  return bundled === undefined ? undefined : openMmdb(bundled);
}

function bundledCountries(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(BUNDLED_COUNTRIES);
  } catch {
    return undefined;
  }
}

async function openNetworks(options: GeoOptions, warnings: string[]): Promise<Databases['networkOf']> {
  if (options.asnMmdb !== undefined) {
    const reader = await openMmdb(options.asnMmdb);
    return (address) => networkOf(reader.get(address.text));
  }
  const table = options.asnFile === undefined ? undefined : await readAsnTable(options.asnFile);
  if (table !== undefined) return (address) => table.lookup(address);
  const why =
    options.asnFile === undefined ? 'no ASN database is given' : `${options.asnFile} does not exist`;
  warnings.push(`AS numbers and most network kinds are unknown: ${why}.`);
  return () => undefined;
}

async function readAsnTable(file: string): Promise<AsnTable | undefined> {
  try {
    return AsnTable.decode(await readFile(file));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new Error(`${file}: ${error instanceof Error ? error.message : error}`);
  }
}
