import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { RE2JS } from 're2js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { mintKey, newKeyId } from '../../src/keys/format.js';
import { issueInput } from '../../src/keys/inputs.js';
import { findKeys, type SearchReport } from '../../src/leaks/find.js';
import { type Guarded, guarded, type Script } from './guarded-api.js';

const answer: Script = (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-leaks-'));
const scanner = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keysFile = path.join(dir, 'scanner.json');
let guard: Guarded;
let url: string;

beforeAll(async () => {
  const key = scanner.publicKey.export({ format: 'pem', type: 'spki' });
  writeFileSync(keysFile, JSON.stringify({ public_keys: [{ key_identifier: 'k1', key, is_current: true }] }));
  const leaks = {
    listener: { port: 0 },
    partners: [{ name: 'scanner', keysFile }],
    partnerMeasure: 'suspend',
    reportsPerMinute: 40,
  };
  guard = await guarded(answer, { foreignKeys: 'known' }, { leaks, trustedProxies: ['127.0.0.1'] });
  url = `http://127.0.0.1:${guard.running.leaks?.address.port}`;
});
afterAll(async () => {
  await guard.close();
  rmSync(dir, { recursive: true });
});

async function newKey(name: string): Promise<{ id: string; credential: string }> {
  const { key, credential } = await guard.running.keys.issue('test', issueInput.parse({ name }));
  return { id: key.id, credential };
}

function reported(tokens: readonly string[], by = scanner, keyId = 'k1'): Promise<Response> {
  const report = tokens.map((token) => ({
    token,
    type: 'keyward',
    url: 'https://git.test/x',
    source: 'commit',
  }));
  const body = JSON.stringify(report);
  const signature = sign('sha256', Buffer.from(body), by.privateKey).toString('base64');
  return fetch(`${url}/v1/partners/leaks`, {
    method: 'POST',
    headers: { 'github-public-key-identifier': keyId, 'github-public-key-signature': signature },
    body,
  });
}

function handedIn(key: string, address = '198.51.100.1'): Promise<Response> {
  return fetch(`${url}/v1/leaks`, {
    method: 'POST',
    headers: { 'x-forwarded-for': address },
    body: JSON.stringify({ key, url: 'https://paste.test/1' }),
  });
}

describe('leaked keys', () => {
  it('are contained when a partner reports them, once; others are false positives', async () => {
    const key = await newKey('leaked');
    const other = mintKey('live', newKeyId());
    const response = await reported([key.credential, other, 'no key at all']);
    expect(response.status).toBe(200);
    const answers = (await response.json()) as { token_hash: string; label: string }[];
    expect(answers.map(({ label }) => label)).toEqual(['true_positive', 'false_positive', 'false_positive']);
    expect(answers[0]?.token_hash).toBe(createHash('sha256').update(key.credential).digest('hex'));
    expect(guard.running.keys.show(key.id).suspended?.by).toBe('partner scanner');
    const plans = guard.running.containment.list().length;
    expect((await reported([key.credential])).status).toBe(200);
    expect(guard.running.containment.list()).toHaveLength(plans);
  });

  it('are recognised among the keys of the upstream, too', async () => {
    const { running } = guard;
    const foreign = 'upstream-own-key-0123456789';
    const input = { ...issueInput.parse({ name: 'foreign' }), upstream: 'api', credential: foreign };
    const { id } = await running.keys.register('test', input as never);
    await reported([foreign]);
    expect(running.keys.show(id).suspended).toBeDefined();
  });

  it('are left alone when a report is forged, altered or not a report', async () => {
    const key = await newKey('safe');
    expect((await reported([key.credential], stranger)).status).toBe(401);
    expect((await reported([key.credential], scanner, 'k2')).status).toBe(401);
    const body = JSON.stringify([{ token: key.credential, type: 'keyward' }]);
    const headers = { 'github-public-key-identifier': 'k1', 'github-public-key-signature': '!!' };
    expect((await fetch(`${url}/v1/partners/leaks`, { method: 'POST', headers, body })).status).toBe(401);
    const signature = sign('sha256', Buffer.from('{}'), scanner.privateKey).toString('base64');
    const shape = { ...headers, 'github-public-key-signature': signature };
    const wrong = await fetch(`${url}/v1/partners/leaks`, { method: 'POST', headers: shape, body: '{}' });
    expect(wrong.status).toBe(422);
    expect(guard.running.keys.show(key.id).suspended).toBeUndefined();
  });

  it('may be handed in by anybody, who learns nothing, and not too often', async () => {
    const key = await newKey('found');
    const ours = await handedIn(key.credential);
    const theirs = await handedIn(mintKey('live', newKeyId()));
    expect([ours.status, theirs.status]).toEqual([202, 202]);
    expect(await ours.text()).toBe(await theirs.text());
    expect(guard.running.keys.show(key.id).revoked?.why).toContain('paste.test');
    const many = await Promise.all(Array.from({ length: 60 }, () => handedIn('x', '203.0.113.7')));
    expect(many.filter(({ status }) => status === 429)).toHaveLength(20);
    expect(many.find(({ status }) => status === 429)?.headers.get('retry-after')).toBeTruthy();
    expect((await handedIn('x', '203.0.113.8')).status).toBe(202);
    expect((await fetch(`${url}/v1/keys`)).status).toBe(404);
  });

  it('leave no trace of their text in the journal', async () => {
    const key = await newKey('secret');
    await handedIn(key.credential, '203.0.113.9');
    const { token } = await guard.running.operators.add('test', 'reader', 'viewer');
    const admin = `http://127.0.0.1:${guard.running.admin.address.port}/v1/journal?limit=10000`;
    const text = await (await fetch(admin, { headers: { authorization: `Bearer ${token}` } })).text();
    expect(text).toContain('leak.report');
    expect(text).not.toContain(key.credential);
  });
});

describe('keys scan', () => {
  it('finds keys by their checksum in files and in every version of the history', async () => {
    const repo = path.join(dir, 'repo');
    mkdirSync(path.join(repo, 'src'), { recursive: true });
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', repo, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
        stdio: 'ignore',
      });
    const [now, before] = [newKeyId(), newKeyId()];
    git('init', '-q');
    writeFileSync(path.join(repo, 'old.env'), `A=1\nKEY=${mintKey('live', before)}\n`);
    git('add', '.');
    git('commit', '-qm', 'oops');
    writeFileSync(path.join(repo, 'old.env'), 'A=1\n');
    const wrong = mintKey('live', newKeyId()).replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'));
    writeFileSync(path.join(repo, 'src', 'a.js'), `// ${wrong}\n\nconst key = "${mintKey('test', now)}";\n`);
    // Across the end of a piece that is read.
    const id = newKeyId();
    writeFileSync(
      path.join(repo, 'big.bin'),
      `${'x'.repeat((1 << 20) - 20)} ${mintKey('live', id)} ${'y'.repeat(100)}`,
    );
    git('add', '.');
    git('commit', '-qm', 'gone');
    const report: SearchReport = { files: 0, blobs: 0, unreadable: [] };
    const found = [];
    for await (const each of findKeys(repo, report, true)) found.push(each);
    const files = found.filter(({ where }) => where.startsWith(repo));
    expect(files.map(({ id: key, line }) => `${key}:${line}`).sort()).toEqual([`${id}:1`, `${now}:3`].sort());
    const history = found.filter(({ where }) => !where.startsWith(repo));
    expect(history.find((each) => each.id === before)).toMatchObject({ line: 2, env: 'live' });
    expect(history.find((each) => each.id === before)?.where).toMatch(/^[0-9a-f]{12}:old\.env$/);
    expect(report.blobs).toBe(4);
  });
});

describe('rules for other scanners', () => {
  const gitleaks = readFileSync('examples/leaks/gitleaks.toml', 'utf8');
  const trufflehog = readFileSync('examples/leaks/trufflehog.yaml', 'utf8');
  const [, ofGitleaks = ''] = /^regex = '''(.*)'''$/m.exec(gitleaks) ?? [];
  const [detector] = (
    parseYaml(trufflehog) as { detectors: { keywords: string[]; regex: { key: string } }[] }
  ).detectors;

  // Both programs are written in Go, whose patterns are RE2's: what JavaScript takes is no proof.
  it.each([
    ['gitleaks', ofGitleaks],
    ['trufflehog', detector?.regex.key ?? ''],
  ])('%s: the pattern is one of RE2 and finds every key, and nothing that is none', (_, source) => {
    const pattern = RE2JS.compile(source);
    const foundIn = (text: string) => {
      const matcher = pattern.matcher(text);
      return matcher.find() ? matcher.group() : undefined;
    };
    for (const env of ['live', 'test', 'a', 'z0123456789abcde'])
      for (let n = 0; n < 50; n++) {
        const key = mintKey(env, newKeyId());
        for (const text of [key, `KEY="${key}"`, `x=${key}\n`, `https://a/?k=${key}&b`, `(${key})`])
          expect(foundIn(text)).toBe(key);
        for (const text of [key.slice(0, -1), `${key}a`, `x${key}`, key.replace('kw_', 'kx_')])
          expect(foundIn(text)).toBeUndefined();
        expect(key).toContain(detector?.keywords[0]);
        expect(entropyOf(key)).toBeGreaterThan(Number(/^entropy = (.+)$/m.exec(gitleaks)?.[1]));
      }
    expect(gitleaks).toContain('keywords = ["kw_"]');
  });
});

/** Bits a character (Shannon), by which gitleaks passes over what is hardly random. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  return [...counts.values()].reduce((sum, n) => sum - (n / text.length) * Math.log2(n / text.length), 0);
}
