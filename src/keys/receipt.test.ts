import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { receiptProblem, signReceipt } from './receipt.js';

const { privateKey } = generateKeyPairSync('ed25519');
const unsigned = {
  id: 'r_1',
  keys: ['k1', 'k2'],
  by: 'anna',
  why: 'lost laptop – Zürich "HQ"',
  requestedAt: '2026-11-25T00:00:00.000Z',
  completedAt: '2026-11-25T00:00:00.004Z',
  exact: true,
  gateways: [
    {
      name: 'control',
      pid: 1,
      acknowledgedAt: '2026-11-25T00:00:00.001Z',
      milliseconds: 0.5,
      lastAcceptance: { k1: { request: 'a-1', time: '2026-11-24T23:59:59.000Z' }, k2: null },
    },
  ],
  inFlight: { policy: 'finish' as const, leftRunning: 1, aborted: 0 },
};
const receipt = signReceipt(unsigned, privateKey);

/** Every value of a document that is not an object, replaced by another, one at a time. */
function* tampered(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    for (const [at, each] of value.entries()) for (const other of tampered(each)) yield value.with(at, other);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, field] of Object.entries(value)) {
      for (const other of tampered(field)) yield { ...value, [name]: other };
      const { [name]: _, ...rest } = value as Record<string, unknown>;
      yield rest;
    }
  } else {
    yield typeof value === 'string' ? `${value}x` : value === 7 ? 8 : 7;
  }
}

it('verifies, whatever order its fields come in, and not once anything is changed or left out', () => {
  expect(receiptProblem(receipt)).toBeUndefined();
  const shuffled = Object.fromEntries(Object.entries(receipt).reverse());
  expect(receiptProblem(JSON.parse(JSON.stringify(shuffled)), receipt.publicKey)).toBeUndefined();
  const forgeries = [...tampered(receipt)];
  expect(forgeries.length).toBeGreaterThan(30);
  for (const forgery of forgeries) expect(receiptProblem(forgery), JSON.stringify(forgery)).toBeDefined();
  expect(receiptProblem({ ...receipt, more: true })).toBe('Its signature is wrong.');
});

it('names what is wrong: another key, no receipt', () => {
  const other = generateKeyPairSync('ed25519').privateKey;
  expect(receiptProblem(signReceipt(unsigned, other), receipt.publicKey)).toContain('another key');
  for (const nothing of [null, 1, [], {}, { format: receipt.format }, { ...receipt, publicKey: 'x' }])
    expect(receiptProblem(nothing)).toBeDefined();
});

it('is checked by the tool that has nothing of Keyward', () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-receipt-'));
  const tool = path.resolve(import.meta.dirname, '../../tools/verify-receipt.mjs');
  const run = (content: object, ...args: string[]) => {
    const file = path.join(dir, 'receipt.json');
    writeFileSync(file, JSON.stringify(content));
    try {
      return execFileSync(process.execPath, [tool, file, ...args], { encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
      return (error as { stderr: string }).stderr;
    }
  };
  expect(run(receipt, receipt.publicKey)).toMatch(/^OK: k1, k2: .*by the given key/);
  expect(run({ ...receipt, keys: ['k3'] })).toContain('the signature is wrong');
  expect(run(receipt, 'other')).toContain('another key');
  expect(run(signReceipt({ ...unsigned, exact: false }, privateKey))).toContain('not exact');
  rmSync(dir, { recursive: true });
});
