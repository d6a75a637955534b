import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cloudTrailRecord } from './cloudtrail.js';
import { combinedRecord } from './combined.js';
import { lineParser } from './detect.js';
import { directoryInsightsRecord } from './directory-insights.js';
import { OBJECT_CHARS_MAX, OBJECTS_MAX, PATH_CHARS_MAX, textOf } from './fields.js';
import { LOG_FORMATS } from './formats.js';
import { genericRecord } from './generic.js';
import { jsonAccessRecord } from './json-access.js';
import { oktaRecord } from './okta.js';

const NAMES = [
  'time',
  'key',
  'path',
  'objects',
  'eventTime',
  'eventName',
  'userIdentity',
  'requestParameters',
];
const MORE = [
  'timestamp',
  'event_type',
  'published',
  'eventType',
  'actor',
  'initiated_by',
  '__proto__',
  'constructor',
];
const hostile = fc.dictionary(
  fc.constantFrom(...NAMES, ...MORE),
  fc.oneof(fc.jsonValue(), fc.constant('2026-11-24T12:00:00Z'), fc.constant('\u001b[31m<script>')),
);
const PARSERS = [genericRecord, cloudTrailRecord, directoryInsightsRecord, oktaRecord, jsonAccessRecord];

describe('log parsers', () => {
  it('give a bounded record or a reason for any JSON, and never throw', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, fc.jsonValue()), (value) => {
        for (const parse of PARSERS) {
          const record = parse(value);
          if (typeof record === 'string') continue;
          expect(Number.isInteger(record.timeMs)).toBe(true);
          expect(record.key.length).toBeGreaterThan(0);
          expect(record.objects?.length ?? 0).toBeLessThanOrEqual(OBJECTS_MAX);
        }
        expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      }),
    );
  });

  it('give a record or a reason for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (line) => {
        for (const format of LOG_FORMATS)
          expect(['string', 'object']).toContain(typeof lineParser(format)(line));
      }),
    );
  });

  it('cut what is too long, quickly', () => {
    const long = 'x'.repeat(1_000_000);
    const record = genericRecord({ time: 1, key: long, path: `/${long}`, objects: [long], userAgent: long });
    expect(record).toMatchObject({ timeMs: 1000 });
    if (typeof record === 'string') return;
    expect(record.path?.length).toBe(PATH_CHARS_MAX);
    expect(record.objects?.[0]?.length).toBe(OBJECT_CHARS_MAX);
    const began = performance.now();
    for (const text of ['"'.repeat(1e6), '['.repeat(1e6), ` [${'] "'.repeat(3e5)}`, '\\'.repeat(1e6)])
      combinedRecord(`192.0.2.1 - - [24/Nov/2026:12:00:00 +0000] "${text}`);
    expect(performance.now() - began).toBeLessThan(500);
  });
});

describe('textOf', () => {
  it('cuts and keeps text as it is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1 }),
        fc.integer({ min: 1, max: 20 }),
        (text, max) => {
          expect(textOf(text, max)).toBe(text.slice(0, max));
        },
      ),
    );
  });

  it('keeps nothing of what it cut off', () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    gc();
    const before = process.memoryUsage().heapUsed;
    const kept = Array.from({ length: 200 }, (_, n) => textOf(`${n}${'é'.repeat(500_000)}`));
    gc();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20e6);
    expect(kept).toHaveLength(200);
  });
});
