import { describe, expect, it } from 'vitest';
import { ConfigFault, parseConfig } from './load.js';

const GOOD = `listeners: [{ port: 8080 }]
upstreams:
  - name: api
    url: https://api.example
`;

function problemsOf(text: string, running?: ReturnType<typeof parseConfig>): string[] {
  try {
    parseConfig(text, 'k.yaml', running);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    return error.message.split('\n');
  }
}

describe('a configuration', () => {
  it('is filled with defaults, and its paths count from its own folder', () => {
    const config = parseConfig(GOOD, '/etc/keyward/k.yaml');
    expect(config).toMatchObject({
      dataDir: '/etc/keyward/keyward-data',
      admin: { host: '127.0.0.1', port: 7071 },
      upstreams: [{ failPolicy: 'closed', connectionsMax: 256 }],
    });
  });

  it('names a built-in catalog with a word, and a file with a path', () => {
    const catalogOf = (text: string) =>
      parseConfig(`${GOOD}    catalog: ${text}\n`, '/etc/keyward/k.yaml').upstreams[0]?.catalog;
    expect(catalogOf('jumpcloud')).toBe('jumpcloud');
    expect(catalogOf('./api.json')).toBe('/etc/keyward/api.json');
    expect(problemsOf(`${GOOD}    catalog: okta\n    openapi: a.yaml\n`)).toEqual([
      'k.yaml:6: upstreams[0].openapi: stands beside catalog; give one of them',
    ]);
  });

  it('is told all that is wrong with it, each with file, line and field', () => {
    const bad = `listeners: 5
upstreams:
  - name: A B
    url: ftp://x
    nonsense: 1
    timeouts: { headMs: -1 }
trustedproxies: []
`;
    const problems = problemsOf(bad);
    expect(problems).toHaveLength(6);
    for (const [at, line] of [
      ['listeners', 1],
      ['upstreams[0].name', 3],
      ['upstreams[0].url', 4],
      ['upstreams[0].nonsense: there is no such field', 5],
      ['upstreams[0].timeouts.headMs', 6],
      ['trustedproxies: there is no such field', 7],
    ] as const)
      expect(
        problems.some((each) => each.startsWith(`k.yaml:${line}: ${at}`)),
        `${at} in ${problems}`,
      ).toBe(true);
  });

  it.each([
    ['a: [1\nb: }', /^k\.yaml:2: /],
    ['a: 1\na: 2\n', /^k\.yaml:2: .*unique/i],
    ['', /listeners/],
    ['- 1', /expected object/],
    [`${GOOD}trustedProxies: [10.0.0.0/99]\n`, /^k\.yaml:5: trustedProxies\[0\]: .*99/],
    [`${GOOD}  - { name: api, url: 'http://b' }\n`, /upstreams\[1\]\.name: api is used twice/],
    [`${GOOD}    locations: { deny: [{ country: UK }] }\n`, /did you mean GB/],
    [
      `${GOOD}    tls: { ca: x }\n`.replace('https', 'http'),
      /upstreams\[0\]\.tls: is given, but the url begins/,
    ],
    [`${GOOD}admin: { host: 0.0.0.0 }\n`, /admin\.host: 0\.0\.0\.0 can be reached .* admin\.tls/],
    [GOOD.replace('8080', '8080, proxyProtocol: require'), /needs trustedProxies/],
    [GOOD.replace('8080', '99999'), /listeners\[0\]\.port/],
  ])('%j is refused', (text, message) => {
    expect(problemsOf(text).join('\n')).toMatch(message);
  });

  it('in force cannot change where things were opened once', () => {
    const running = parseConfig(GOOD, 'k.yaml');
    expect(problemsOf(GOOD, running)).toEqual([]);
    expect(problemsOf(`${GOOD}dataDir: ./other\nadmin: { port: 1 }\n`, running)).toEqual([
      'k.yaml:5: dataDir: cannot change while the guard runs; restart it',
      'k.yaml:6: admin: cannot change while the guard runs; restart it',
    ]);
  });
});
