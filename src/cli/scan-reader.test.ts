import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { sourcesOf } from '../edges/scan/read/sources.js';
import { openFeedHere } from './scan-reader.js';

const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-scan-reader-'));
afterAll(() => rmSync(dir, { recursive: true }));

const cloudTrail = (eventName: string) => ({
  ...{ eventTime: '2026-11-24T12:00:00Z', eventSource: 'iam.amazonaws.com', eventName },
  userIdentity: { accessKeyId: 'AKIAEXAMPLE' },
});
const generic = (operation: string) => ({ time: '2026-11-24T12:00:00Z', key: 'k', operation });

/** Names and privileges of what the logs tell. */
async function operationsOf(logs: Record<string, readonly object[]>, catalog?: string) {
  const files = Object.entries(logs).map(([name, records]) => {
    const file = path.join(dir, name);
    writeFileSync(file, records.map((each) => JSON.stringify(each)).join('\n'));
    return file;
  });
  const common = { format: undefined, mapping: undefined, byTime: false };
  const { batches, report } = await openFeedHere({ sources: sourcesOf(files), catalog, ...common });
  const operations: [name: string, privilege: number][] = [];
  for await (const { fresh } of batches)
    operations.push(...fresh.operations.map(({ name, privilege }): [string, number] => [name, privilege]));
  return { operations, looked: report.looked, known: report.known };
}

it("reads CloudTrail with AWS's catalog, and what is beside it without, unless one is given", async () => {
  const logs = {
    'trail.ndjson': [cloudTrail('CreateLoginProfile'), cloudTrail('InventedYesterday')],
    'other.ndjson': [generic('iam.CreateLoginProfile')],
  };
  expect(await operationsOf(logs)).toEqual({
    operations: [
      ['iam.CreateLoginProfile', 4],
      ['iam.InventedYesterday', 2],
      ['iam.CreateLoginProfile', 2],
    ],
    ...{ looked: 2, known: 1 },
  });
  expect(await operationsOf(logs, 'jumpcloud')).toMatchObject({ looked: 3, known: 0 });
});
