import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { generatedPages } from '../../src/config/reference.js';

/** The rules of the house, held against every source file. */
const root = path.resolve(import.meta.dirname, '../..');
const src = path.join(root, 'src');

interface Source {
  readonly name: string;
  readonly text: string;
  readonly imports: readonly string[];
}

/** Names and imports are relative to the folder. */
function sourcesUnder(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.(?:test|fuzz)\.ts$/.test(name))
    .map((name) => {
      const text = readFileSync(path.join(folder, name), 'utf8');
      const imports = [...text.matchAll(/(?:from |import[ (])'(\.[^']+)'|new URL\('(\.[^']+\.js)'/g)].map(
        (match) =>
          path
            .relative(folder, path.resolve(folder, path.dirname(name), (match[1] ?? match[2]) as string))
            .replace(/\.js$/, '.ts'),
      );
      return { name, text, imports };
    });
}

const sources = sourcesUnder(src);
/** The demo is held to the same size and order; it is no part of the guard. */
const demo = sourcesUnder(path.join(root, 'demo'));
const DEMO_ENTRIES = new Set([
  'directory/main.ts',
  'agent/main.ts',
  'directory/testing/fixture.ts',
  'replay/main.ts',
  'replay/clock.ts',
  'types/xmldom.d.ts',
  'directory/testing/people.ts',
]);

/** What each folder may import from, besides itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  wire: [],
  core: ['wire'],
  journal: ['core', 'engine/ports.ts'],
  catalogs: ['core'],
  locations: ['core', 'wire', 'engine/ports.ts'],
  keys: [
    'core',
    'wire',
    'engine/ports.ts',
    'config/schema.ts',
    'config/time-window.ts',
    'notices/records.ts',
  ],
  cluster: ['core', 'engine/ports.ts', 'engine/desk.ts', 'engine/holds.ts', 'keys/directory.ts'],
  notices: ['core', 'wire', 'engine/ports.ts', 'keys', 'journal/format.ts', 'config', 'public'],
  detectors: ['core'],
  incidents: [
    'core',
    'wire',
    'engine/ports.ts',
    'journal',
    'keys',
    'notices/facts.ts',
    'catalogs/id-shape.ts',
  ],
  public: ['wire'],
  leaks: ['core', 'wire', 'engine/ports.ts', 'keys', 'config', 'public'],
  engine: ['core', 'wire', 'detectors', 'keys', 'catalogs', 'journal/entry.ts', 'notices/records.ts'],
  stores: ['core', 'engine/ports.ts', 'notices/records.ts'],
  'edges/scan': ['core', 'wire', 'detectors', 'catalogs', 'engine/ports.ts'],
  config: ['core', 'wire'],
  observability: ['core', 'engine', 'journal/entry.ts'],
  admin: ['core', 'engine', 'incidents', 'keys', 'journal', 'config', 'notices'],
};

/** Wiring in one piece is easier to follow than in several. */
const LONG_FUNCTIONS = new Set(['runtime.ts', 'gateway-runtime.ts']);

describe('the house', () => {
  it('has sources to check', () => {
    expect(sources.length).toBeGreaterThan(30);
  });

  it.each(Object.entries(MAY_IMPORT))('%s imports only what it may', (folder, allowed) => {
    const wrong = sources
      .filter(({ name }) => name.startsWith(`${folder}/`))
      .flatMap(({ name, imports }) =>
        imports
          .filter((to) => ![folder, ...allowed].some((each) => to === each || to.startsWith(`${each}/`)))
          .map((to) => `${name} → ${to}`),
      );
    expect(wrong).toEqual([]);
  });

  it('core, detectors and wire have no clock, randomness, environment or I/O', () => {
    const banned =
      /Date\.now|performance\.now|Math\.random|process\.(?:env|argv|hrtime|stdin|stdout|cwd)|'node:(?!buffer)|setTimeout|setInterval|new Date\(\)/;
    const wrong = sources
      .filter(({ name, text }) => /^(?:core|detectors|wire)\//.test(name) && banned.test(text))
      .map(({ name }) => name);
    expect(wrong).toEqual([]);
  });

  it('every file is imported by another, or is an entry', () => {
    const entries = new Set(['main.ts', 'locations/compile-asn.ts']);
    const unused = (all: readonly Source[], own: ReadonlySet<string>) => {
      const imported = new Set(all.flatMap(({ imports }) => imports));
      return all.map(({ name }) => name).filter((name) => !imported.has(name) && !own.has(name));
    };
    expect(unused(sources, entries)).toEqual([]);
    expect(unused(demo, DEMO_ENTRIES)).toEqual([]);
  });

  it('the demo directory is a stranger to the guard, and the guard to it', () => {
    const foreign = demo.flatMap(({ name, imports }) =>
      imports
        .filter((to) => to.startsWith('../') && to !== '../world/random.ts')
        // The replay plays the world; it knows the other programs from outside, as their users do.
        .filter((to) => !(name.startsWith('replay/') && to.startsWith('../world/')))
        .map((to) => `${name} → ${to}`),
    );
    expect(foreign).toEqual([]);
    expect(sources.filter(({ imports }) => imports.some((to) => to.startsWith('../demo/')))).toEqual([]);
  });

  it('an agent and the directory share what they say to each other, and nothing else', () => {
    const across = demo.flatMap(({ name, imports }) => {
      const other = name.startsWith('agent/')
        ? 'directory/'
        : name.startsWith('directory/')
          ? 'agent/'
          : 'none';
      const replay = name.startsWith('replay/') ? /^(?:agent|directory)/ : /^replay/;
      return imports.filter((to) => to.startsWith(other) || replay.test(to)).map((to) => `${name} → ${to}`);
    });
    expect(across).toEqual([]);
  });

  it('of the demo, queries are pure and routes do not know the store', () => {
    const banned = /Date\.now|Math\.random|'node:|new Date\(\)|'lmdb'/;
    expect(demo.filter(({ name, text }) => name.startsWith('directory/query/') && banned.test(text))).toEqual(
      [],
    );
    const toStore = demo
      .filter(({ imports }) => imports.includes('directory/store.ts'))
      .map(({ name }) => name);
    // Organisations and events authenticate by themselves, as a provider's key may name several organisations.
    const allowed = new Set(['directory/routes/organizations.ts', 'directory/routes/events.ts']);
    expect(toStore.filter((name) => name.startsWith('directory/routes/') && !allowed.has(name))).toEqual([]);
    const lmdb = demo.filter(({ text }) => text.includes("'lmdb'")).map(({ name }) => name);
    expect(lmdb).toEqual(['directory/store.ts']);
  });

  it('there is no drawer for odds and ends', () => {
    expect(
      [...sources, ...demo]
        .map(({ name }) => name)
        .filter((name) => /(?:^|\/)(?:utils?|helpers?|common|misc|index)(?:\/|\.ts$)/.test(name)),
    ).toEqual([]);
  });

  it('files stay small', () => {
    const exceptions = new Set(['edges/proxy/exchange.ts', 'edges/proxy/client-connection.ts']);
    expect(
      [...sources, ...demo]
        .filter(({ name, text }) => text.split('\n').length > 350 && !exceptions.has(name))
        .map(({ name }) => name),
    ).toEqual([]);
  });

  it('functions stay small', () => {
    const long: string[] = [];
    for (const { name, text } of [...sources, ...demo]) {
      const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
      const lineAt = (position: number) => file.getLineAndCharacterOfPosition(position).line;
      const visit = (node: ts.Node): void => {
        const body = ts.isFunctionLike(node) && 'body' in node ? node.body : undefined;
        const lines = body === undefined ? 0 : lineAt(node.end) - lineAt(node.getStart()) + 1;
        if (lines > 60 && !LONG_FUNCTIONS.has(name)) long.push(`${name}:${lineAt(node.getStart()) + 1}`);
        ts.forEachChild(node, visit);
      };
      visit(file);
    }
    expect(long).toEqual([]);
  });

  it('generated pages are as npm run docs writes them', () => {
    for (const [file, text] of Object.entries(generatedPages()))
      expect(readFileSync(path.join(root, file), 'utf8'), `${file}: run npm run docs`).toBe(text);
  });

  it('the run-time dependencies are these', () => {
    const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(dependencies)).toEqual([
      '@hono/node-server',
      '@hono/zod-openapi',
      '@ip-location-db/asn',
      '@ip-location-db/geo-whois-asn-country-mmdb',
      'cli-table3',
      'commander',
      'hono',
      'ipaddr.js',
      'jose',
      'lmdb',
      'maxmind',
      'nodemailer',
      'pino',
      'prom-client',
      'standardwebhooks',
      'yaml',
      'zod',
    ]);
  });
});
