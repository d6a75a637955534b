import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { replay } from './replay.js';

const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-demo-'));
const out = await replay(
  {
    dir,
    seed: 1,
    tenants: 10,
    days: Number(process.argv[2] ?? 10),
    campaign: 'harvest-2023',
    bin: path.resolve('bin/keyward.mjs'),
  },
  {
    cast: (s) =>
      console.log(
        'cast',
        s.principals.length,
        s.calls.length,
        s.victims.map((v) => v.id),
      ),
    side: (g) => console.log('side', g, Math.round(performance.now())),
    day: (t, c) => console.log('day', new Date(t).toISOString(), c, Math.round(performance.now())),
    attempt: ({ call, status, reason }) =>
      console.log(
        new Date(call.timeMs).toISOString(),
        call.tenant,
        call.principal,
        call.operation,
        status,
        reason ?? '',
      ),
    incident: (i) => console.log('incident', i),
    contained: (c) =>
      console.log('contained', c.keys, c.leftAlone.length, c.receipts.length, c.notices.length, c.delivered),
    injected: (t, r) => console.log('injected', t, JSON.stringify(r)),
    effects: (e) => console.log('effects', JSON.stringify(e)),
  },
);
console.log(out.on.journal, out.on.calls, out.on.refused, out.on.webhooks);
rmSync(dir, { recursive: true });
process.exit(0);
