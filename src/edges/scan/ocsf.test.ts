import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { expect, it } from 'vitest';
import type { Episode } from './episodes.js';
import { detectionFinding } from './ocsf.js';
import { Timeline } from './timeline.js';

const schema = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../../../test/ocsf/detection-finding.schema.json'), 'utf8'),
);
const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);

const episode: Episode = {
  ...{
    key: 'AKIA1',
    tenant: 't',
    principal: 'p',
    startMs: 1,
    endMs: 2,
    calls: 3,
    privileged: 1,
    held: 1,
    peak: 20,
  },
  reasons: [{ term: 'network', nats: 4, text: 'AS9009 never used by this key' }],
  operations: new Map([['iam.CreateUser', 3]]),
  places: new Map(),
  timeline: new Timeline(),
  examples: [
    {
      ...{ file: 'a.json', line: 7, timeMs: 1, operation: 'iam.CreateUser', privilege: 4 as const },
      ...{
        address: '192.0.2.1',
        userAgent: '<script>',
        status: 200,
        evidence: 20,
        decision: 'hold' as const,
      },
      reasons: [],
    },
  ],
};

it('writes Detection Findings as the published schema has them', () => {
  const { tenant: _, principal: __, ...bare } = episode;
  const poor = { ...bare, tenant: undefined, principal: undefined, privileged: 0, reasons: [], examples: [] };
  for (const each of [episode, poor]) {
    const finding = JSON.parse(JSON.stringify(detectionFinding(each, 8, '0.1.0')));
    expect(validate(finding), JSON.stringify(validate.errors)).toBe(true);
  }
  const calls = episode.examples.map((call) => ({ ...call, address: 'secretsmanager.amazonaws.com' }));
  const byService = JSON.parse(JSON.stringify(detectionFinding({ ...episode, examples: calls }, 8, '0.1.0')));
  expect(validate(byService), JSON.stringify(validate.errors)).toBe(true);
  byService.evidences[0].src_endpoint = { ip: 'secretsmanager.amazonaws.com' };
  expect(validate(byService)).toBe(false);
  const { severity: rich } = detectionFinding(episode, 8, '0.1.0');
  expect(rich).toBe('Critical');
  expect(validate({ ...detectionFinding(episode, 8, '0.1.0'), severity_id: 'high' })).toBe(false);
});
