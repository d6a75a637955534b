import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { KeyRecord, KeyUsage } from '../core/key.js';
import { KeyDirectory, type Use } from '../keys/directory.js';
import { Fingerprints } from '../keys/fingerprint.js';
import { EmbeddedStore } from '../stores/embedded.js';
import { GatewayStore } from './gateway-store.js';

const key: KeyRecord = {
  ...{ id: 'k', kind: 'issued', name: 'k', tenant: 't', principal: 'p', upstreams: [], fingerprint: 'f' },
  ...{ createdMs: 0, createdBy: 'test', limits: { quota: { requests: 100, per: 'day' } } },
};
const fingerprints = new Fingerprints(Buffer.alloc(32, 1));
let dir: string;
let shared: EmbeddedStore;
let control: KeyDirectory;

beforeEach(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-gateway-store-'));
  shared = EmbeddedStore.open(path.join(dir, 'store'));
  await shared.write({ keys: [key] });
  control = new KeyDirectory(shared, fingerprints);
});
afterEach(async () => {
  await shared.close();
  rmSync(dir, { recursive: true });
});

/** A gateway that reports straight to the control process's directory. */
function gateway(reachable: () => boolean = () => true) {
  const store = new GatewayStore({
    shared,
    own: shared,
    report: (rows) => {
      if (!reachable()) return undefined;
      for (const { key: id, ...row } of rows) control.addUsage(id, row as KeyUsage);
      return control.flush();
    },
    enrol: () => Promise.resolve(false),
  });
  const directory = new KeyDirectory(store.port(), fingerprints);
  const use = (more: Partial<Use> = {}) => {
    const live = directory.live('k');
    if (live === undefined) throw new Error('no key');
    const quota = { used: (live.usage.quotaUsed ?? 0) + 1, period: '2026-11-25' };
    const facts = { timeMs: 5, address: '192.0.2.1', userAgent: 'a', operation: 'o', accepted: true };
    directory.record(live, { ...facts, rate: undefined, quota, ...more });
  };
  return { directory, use, mend: () => directory.mendUsage((id, own) => store.total(id, own)) };
}

it('what several gateways count adds up, each use once, and the quota is shared', async () => {
  const [east, west] = [gateway(), gateway()];
  for (let round = 0; round < 3; round += 1) {
    east.use();
    east.use();
    west.use({ timeMs: 9, address: '192.0.2.9' });
    west.use({ accepted: false, quota: undefined });
    for (const { directory } of [east, west]) await directory.flush();
    for (const { mend } of [east, west]) mend();
  }
  const total = { accepted: 9, refused: 3, quotaUsed: 9, quotaPeriod: '2026-11-25' };
  expect(shared.usage('k')).toMatchObject({ ...total, lastAddress: '192.0.2.9', firstUsedMs: 5 });
  for (const { directory } of [east, west]) expect(directory.live('k')?.usage).toMatchObject(total);
});

it('what cannot be reported now is reported as soon as it can be, used again or not; mending loses nothing of it', async () => {
  let reachable = false;
  const east = gateway(() => reachable);
  east.use();
  await east.directory.flush();
  expect(shared.usage('k')).toBeUndefined();
  reachable = true;
  await east.directory.flush();
  east.use();
  east.mend();
  expect(shared.usage('k')).toMatchObject({ accepted: 1, quotaUsed: 1 });
  expect(east.directory.live('k')?.usage).toMatchObject({ accepted: 2, quotaUsed: 2 });
});
