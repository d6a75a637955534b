import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileAsnFile } from './compile-asn.js';
import { type GeoDatabases, openGeo } from './geo.js';
import { countryOf, networkOf } from './mmdb.js';
import { PlaceCache } from './place-cache.js';

let folder: string;
let asnFile: string;
let geo: GeoDatabases;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyward-geo-'));
  asnFile = join(folder, 'asn.bin');
  await compileAsnFile(asnFile);
  geo = await openGeo({ asnFile });
});

afterAll(() => rm(folder, { recursive: true }));

describe('openGeo', () => {
  it.each([
    ['8.8.8.8', { country: 'US', asn: 15169, network: 'Google LLC', kind: 'hosting' }],
    ['::ffff:8.8.8.8', { country: 'US', asn: 15169, network: 'Google LLC', kind: 'hosting' }],
    ['2001:4860:4860::8888', { country: 'US', asn: 15169, network: 'Google LLC', kind: 'hosting' }],
    ['52.95.110.1', expect.objectContaining({ asn: 16509, kind: 'hosting' })],
    ['91.0.0.1', expect.objectContaining({ country: 'DE', asn: 3320, kind: 'residential' })],
    ['127.0.0.1', { kind: 'private' }],
    ['::1', { kind: 'private' }],
    ['100.64.1.1', { kind: 'private' }],
    ['fd00::1', { kind: 'private' }],
    ['fe80::1%eth0', { kind: 'private' }],
    ['not an address', { kind: 'unknown' }],
  ])('%s', (address, place) => {
    expect(geo.lookup(address)).toEqual(place);
    expect(geo.lookup(address)).toEqual(place);
  });

  it('opens quickly and looks up quickly', async () => {
    const start = performance.now();
    const cold = await openGeo({ asnFile, placesMax: 0 });
    const opened = performance.now() - start;
    for (let index = 0; index < 10_000; index += 1) cold.lookup(`${(index % 220) + 1}.${index & 255}.7.9`);
    expect(opened).toBeLessThan(150 * 5);
    expect(performance.now() - start - opened).toBeLessThan(2000);
  });

  it('says what it cannot know', async () => {
    expect(geo.warnings).toEqual([]);
    const without = await openGeo();
    expect(without.warnings).toEqual([expect.stringContaining('no ASN database is given')]);
    expect(without.lookup('8.8.8.8')).toEqual({ country: 'US', kind: 'unknown' });
    const missing = await openGeo({ asnFile: join(folder, 'none.bin') });
    expect(missing.warnings).toEqual([expect.stringContaining('none.bin does not exist')]);
  });

  it('lets lists override, and reloads them without losing the old on a failure', async () => {
    const tor = join(folder, 'tor.txt');
    await writeFile(tor, '8.8.8.0/24\n');
    const listed = await openGeo({ asnFile, lists: { tor } });
    expect(listed.lookup('8.8.8.8').kind).toBe('tor');
    await writeFile(tor, 'AS15169\nnonsense\n');
    await expect(listed.prepare()).rejects.toThrow('tor.txt:2');
    expect(listed.lookup('8.8.8.8').kind).toBe('tor');
    await writeFile(tor, '127.0.0.1\n');
    (await listed.prepare())();
    expect(listed.lookup('8.8.8.8').kind).toBe('hosting');
    expect(listed.lookup('127.0.0.1').kind).toBe('tor');
  });

  it('names a file that cannot be read', async () => {
    const bad = join(folder, 'bad.bin');
    await writeFile(bad, 'nonsense');
    await expect(openGeo({ asnFile: bad })).rejects.toThrow('bad.bin: is too short');
    await expect(openGeo({ countryFile: bad })).rejects.toThrow('bad.bin: cannot be read');
    await expect(openGeo({ asnMmdb: join(folder, 'none.mmdb') })).rejects.toThrow(
      'none.mmdb: cannot be read',
    );
  });
});

describe('records of both publishers', () => {
  it('have countries and networks', () => {
    expect(countryOf({ country: { iso_code: 'DE' }, registered_country: { iso_code: 'US' } })).toBe('DE');
    expect(countryOf({ registered_country: { iso_code: 'US' } })).toBe('US');
    expect(countryOf({ country_code: 'fr' })).toBe('FR');
    expect(countryOf({ country_code: 'None' })).toBeUndefined();
    expect(countryOf(null)).toBeUndefined();
    const network = { autonomous_system_number: 64496, autonomous_system_organization: 'Example' };
    expect(networkOf(network)).toEqual({ asn: 64496, network: 'Example' });
    expect(networkOf({})).toBeUndefined();
  });
});

describe('PlaceCache', () => {
  it('is bounded and keeps what is in use', () => {
    const cache = new PlaceCache(100);
    cache.set('kept', { kind: 'private' });
    for (let index = 0; index < 1000; index += 1) {
      cache.set(String(index), { kind: 'unknown' });
      expect(cache.get('kept')?.kind).toBe('private');
      expect(cache.size).toBeLessThanOrEqual(100);
    }
  });
});
