import { describe, expect, it } from 'vitest';
import { cloudTrailRecord } from './cloudtrail.js';
import { combinedRecord } from './combined.js';
import { formatOfLine } from './detect.js';
import { directoryInsightsRecord } from './directory-insights.js';
import { addressOf, timeOf } from './fields.js';
import { genericRecord } from './generic.js';
import { ACCESS_LOG_MAPPING, jsonAccessRecord } from './json-access.js';
import { oktaRecord } from './okta.js';

const NOON = Date.UTC(2026, 10, 24, 12, 0, 0);

describe('times', () => {
  it.each([
    ['2026-11-24T12:00:00Z', NOON],
    ['2026-11-24T12:00:00.250Z', NOON + 250],
    ['2026-11-24T12:00:00.2Z', NOON + 200],
    ['2026-11-24T12:00:00.123456Z', NOON + 123],
    ['2026-11-24T13:00:00+01:00', NOON],
    [NOON, NOON],
    [NOON / 1000, NOON],
    [String(NOON / 1000), NOON],
    ['2026-11-24T13:30:00+0130', NOON],
    ['2026-11-24 04:00:00,5-08', NOON + 500],
    // Without an offset it is UTC, wherever the scan runs.
    ['2026-11-24T12:00:00', NOON],
    ['2026-11-24', NOON - 12 * 3_600_000],
    ['2024-02-29T12:00:00Z', Date.UTC(2024, 1, 29, 12)],
    ['2026-02-29T12:00:00Z', undefined],
    ['2026-11-31T12:00:00+00:00', undefined],
    ['2026x11x24T12y00y00Z', undefined],
    ['0001-01-01T00:00:00Z', undefined],
    ['20261124', undefined],
    ['hello 12', undefined],
    [' ', undefined],
    ['yesterday', undefined],
    ['2026-13-24T12:00:00Z', undefined],
    [-1, undefined],
    [Number.NaN, undefined],
    [{}, undefined],
  ])('%j is %j', (given, expected) => expect(timeOf(given)).toBe(expected));
});

describe('addresses', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:443', '192.0.2.1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['192.0.2.1, 198.51.100.1', '192.0.2.1'],
    ['', undefined],
  ])('%j is %j', (given, expected) => expect(addressOf(given)).toBe(expected));
});

describe('generic NDJSON', () => {
  it('takes every field, and the path without its query', () => {
    const line = {
      ...{ time: '2026-11-24T12:00:00Z', key: 'k', tenant: 't', principal: 'p', ip: '192.0.2.1' },
      ...{ userAgent: 'curl/8', method: 'GET', path: '/a?token=x', objects: ['o', 7, null] },
      ...{ status: 200, bytesIn: 1, bytesOut: '2', latencyMs: 3, unknown: true },
    };
    expect(genericRecord(line)).toMatchObject({
      ...{ timeMs: NOON, key: 'k', tenant: 't', principal: 'p', address: '192.0.2.1', path: '/a' },
      ...{ objects: ['o', '7'], status: 200, bytesIn: 1, bytesOut: 2, latencyMs: 3 },
    });
  });

  it.each([
    [[], 'not a JSON object'],
    [{ key: 'k' }, 'no field "time"'],
    [{ time: 'x', key: 'k' }, '"time" is neither'],
    [{ time: 1 }, 'no field "key"'],
    [{ time: 1, key: 'k' }, 'neither "operation" nor "path"'],
  ])('%j is refused', (value, why) => expect(genericRecord(value)).toContain(why));
});

describe('CloudTrail', () => {
  const record = {
    eventTime: '2026-11-24T12:00:00Z',
    eventSource: 'iam.amazonaws.com',
    eventName: 'CreateAccessKey',
    sourceIPAddress: '192.0.2.1',
    userAgent: 'aws-cli/2',
    recipientAccountId: '111122223333',
    errorCode: 'AccessDenied',
    requestParameters: { userName: 'bob', maxItems: 3 },
    userIdentity: {
      type: 'AssumedRole',
      accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
      arn: 'arn:aws:sts::111122223333:assumed-role/deploy/session-1',
      sessionContext: { sessionIssuer: { arn: 'arn:aws:iam::111122223333:role/deploy' } },
    },
  };

  it('knows a role behind its hourly keys', () => {
    expect(cloudTrailRecord(record)).toMatchObject({
      ...{ timeMs: NOON, key: 'arn:aws:iam::111122223333:role/deploy', tenant: '111122223333' },
      ...{ operation: 'iam.CreateAccessKey', objects: ['bob'], status: 403, userAgent: 'aws-cli/2' },
    });
  });

  it('keys by the long-lived access key', () => {
    const user = { ...record, userIdentity: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', arn: 'arn:x' } };
    expect(cloudTrailRecord(user)).toMatchObject({ key: 'AKIAIOSFODNN7EXAMPLE', principal: 'arn:x' });
  });

  it('takes whatever stands for the caller', () => {
    expect(cloudTrailRecord({ ...record, userIdentity: { invokedBy: 'ec2.amazonaws.com' } })).toMatchObject({
      key: 'ec2.amazonaws.com',
    });
    expect(cloudTrailRecord({ ...record, userIdentity: null, sourceIPAddress: undefined })).toMatchObject({
      key: 'anonymous',
    });
  });
});

describe('Directory Insights and Okta', () => {
  it('read who, what and whence', () => {
    expect(
      directoryInsightsRecord({
        ...{ timestamp: '2026-11-24T12:00:00Z', event_type: 'user_update', service: 'directory' },
        ...{ client_ip: '192.0.2.1', organization: 'o', success: true, resource: { id: 'u1' } },
        initiated_by: { id: 'a1', email: 'anna@example.com', type: 'admin' },
        useragent: { name: 'Chrome', major: '109', os_name: 'Linux' },
      }),
    ).toMatchObject({
      ...{ key: 'a1', principal: 'anna@example.com', tenant: 'o', operation: 'directory.user_update' },
      ...{ userAgent: 'Chrome 109 Linux', objects: ['u1'], status: 200 },
    });
    expect(
      oktaRecord({
        ...{ published: '2026-11-24T12:00:00.000Z', eventType: 'user.mfa.factor.reset_all' },
        actor: { id: '00u1', alternateId: 'anna@example.com' },
        client: { ipAddress: '192.0.2.1', userAgent: { rawUserAgent: 'okta-sdk-go/2' } },
        outcome: { result: 'FAILURE' },
        target: [{ id: '00u2', type: 'User' }],
        transaction: { detail: { requestApiTokenId: '00T1' } },
      }),
    ).toMatchObject({
      ...{ key: '00T1', principal: 'anna@example.com', operation: 'user.mfa.factor.reset_all' },
      ...{ userAgent: 'okta-sdk-go/2', objects: ['00u2'], status: 403 },
    });
  });
});

describe('access logs', () => {
  it('reads combined and common lines', () => {
    const line =
      '192.0.2.1 - anna [24/Nov/2026:13:00:00 +0100] "GET /api/users?q=1 HTTP/1.1" 200 512 "-" "curl/8 \\"x\\""';
    expect(combinedRecord(line)).toMatchObject({
      ...{ timeMs: NOON, key: 'anna', address: '192.0.2.1', method: 'GET', path: '/api/users' },
      ...{ status: 200, bytesOut: 512, userAgent: 'curl/8 \\"x\\"' },
    });
    const common = combinedRecord('2001:db8::1 - - [24/Nov/2026:12:00:00 +0000] "\\x16\\x03" 400 -');
    expect(common).toMatchObject({ timeMs: NOON, key: '2001:db8::1', method: 'OTHER', status: 400 });
    expect(common).not.toHaveProperty('userAgent', expect.anything());
    expect(combinedRecord('192.0.2.1 - - [24/Foo/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 1')).toContain(
      'time',
    );
    expect(combinedRecord('nothing of the kind')).toContain('not an access log line');
  });

  it('reads JSON by well-known names, nested ones and a mapping', () => {
    const caddy = {
      ts: NOON / 1000,
      request: { remote_ip: '192.0.2.1', method: 'GET', uri: '/a', headers: { 'User-Agent': ['curl/8'] } },
      status: 200,
      size: 12,
    };
    expect(jsonAccessRecord(caddy)).toMatchObject({ key: '192.0.2.1', userAgent: 'curl/8', bytesOut: 12 });
    expect(jsonAccessRecord({ ts: 1, method: 'GET' })).toContain('no key and no client address');
  });
});

describe('formats', () => {
  it.each([
    ['{"eventTime":"2026-11-24T12:00:00Z","eventSource":"iam.amazonaws.com"}', 'cloudtrail'],
    ['{"event_type":"x","timestamp":"2026-11-24T12:00:00Z"}', 'directory-insights'],
    ['{"eventType":"x","published":"2026-11-24T12:00:00Z"}', 'okta'],
    ['{"time":1,"key":"k","operation":"o"}', 'generic'],
    ['{"time_iso8601":"2026-11-24T12:00:00Z","remote_addr":"192.0.2.1","request_uri":"/"}', 'json-access'],
    ['192.0.2.1 - - [24/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 1', 'combined'],
    ['{"version":6,"nginx_version":"1.9.4","address":"192.0.2.1","timestamp":1446249499322}', undefined],
    ['{"broken":', undefined],
    ['hello', undefined],
  ])('%s is %s', (line, format) => expect(formatOfLine(line)).toBe(format));
});

describe('what real logs add to the common forms', () => {
  it('space before a line of JSON', () => {
    expect(formatOfLine(' \t{"time":1700000000,"key":"k","operation":"x"}')).toBe('generic');
  });

  const line = (head: string, time = '24/Nov/2026:12:00:00 +0000') =>
    `${head} [${time}] "GET /a HTTP/1.1" 200 5 "-" "curl/8"`;

  it.each([
    ['example.com:80 192.0.2.1 - -', '192.0.2.1', '192.0.2.1'],
    ['example.com:80 192.0.2.1 - bob', 'bob', '192.0.2.1'],
    ['192.0.2.1, 10.0.0.1, 10.0.0.2 - bob', 'bob', '192.0.2.1'],
    ['192.0.2.1 - bob smith', 'bob smith', '192.0.2.1'],
    ['host.test - -', 'host.test', 'host.test'],
  ])('an access log line of %s', (head, key, address) =>
    expect(combinedRecord(line(head))).toMatchObject({ key, address, timeMs: NOON }),
  );

  it.each([
    '99/Nov/2026:12:00:00 +0000',
    '24/Nov/2026:24:00:00 +0000',
    '24/Nvo/2026:12:00:00 +0000',
    '01/Jan/1970:00:00:00 +0100',
    '31/Dec/9999:23:59:59 -0100',
  ])('no such time as %s', (time) =>
    expect(combinedRecord(line('192.0.2.1 - -', time))).toContain('time in brackets'),
  );

  it('nginx’s own time and request line in JSON', () => {
    const value = {
      ...{ time_local: '24/Nov/2026:13:00:00 +0100', remote_addr: '192.0.2.1', status: '204' },
      request: 'DELETE /a/7?x=1 HTTP/1.1',
    };
    expect(jsonAccessRecord(value)).toMatchObject({ timeMs: NOON, method: 'DELETE', path: '/a/7' });
  });

  it('fields that were mapped by hand, though the line looks like another format', () => {
    const text = JSON.stringify({ time: NOON, key: 'pool-member', tok: 'T1', ip: '192.0.2.1', path: '/a' });
    expect(formatOfLine(text)).toBe('generic');
    expect(formatOfLine(text, { ...ACCESS_LOG_MAPPING, key: ['tok'] })).toBe('json-access');
  });

  it('records of CloudTrail as lookup-events gives them', () => {
    const inner = {
      eventTime: '2026-11-24T12:00:00Z',
      eventSource: 's3.amazonaws.com',
      eventName: 'ListBuckets',
    };
    const value = { EventName: 'ListBuckets', CloudTrailEvent: JSON.stringify(inner) };
    expect(formatOfLine(JSON.stringify(value))).toBe('cloudtrail');
    expect(cloudTrailRecord(value)).toMatchObject({ timeMs: NOON, operation: 's3.ListBuckets' });
    expect(cloudTrailRecord({ CloudTrailEvent: '{"eventTime' })).toBe('not a JSON object');
  });

  it('both ends of an association in Directory Insights', () => {
    const ends = { from: { object_id: 'a1', type: 'user' }, to: { object_id: 'b2', type: 'user_group' } };
    const value = {
      ...{ timestamp: '2026-11-24T12:00:00Z', event_type: 'association_change', service: 'directory' },
      association: { connection: ends, op: 'add' },
    };
    expect(directoryInsightsRecord(value)).toMatchObject({ objects: ['a1', 'b2'] });
  });

  it('roles without a session context, and sign-ins that failed, in CloudTrail', () => {
    const value = {
      ...{
        eventTime: '2026-11-24T12:00:00Z',
        eventSource: 'signin.amazonaws.com',
        eventName: 'ConsoleLogin',
      },
      userIdentity: { type: 'AssumedRole', arn: 'arn:aws:sts::1:assumed-role/deploy/session-9' },
      responseElements: { ConsoleLogin: 'Failure' },
    };
    expect(cloudTrailRecord(value)).toMatchObject({ key: 'arn:aws:sts::1:assumed-role/deploy', status: 401 });
  });
});
