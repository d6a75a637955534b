import { describe, expect, it } from 'vitest';
import { Holds } from './holds.js';
import { requestHash } from './request-hash.js';

const MINUTE = 60_000;

function asked(key: string, n: number | string) {
  return {
    ...{ key, tenant: 't', principal: 'p', upstream: 'api', method: 'POST', path: `/x/${n}` },
    ...{
      operation: 'x',
      privilege: 4,
      address: '203.0.113.9',
      userAgent: 'curl/8',
      bodyBytes: 0,
      fields: [],
    },
    ...{ requestHash: `${key} ${n}`, finding: undefined, source: undefined },
  };
}

function someHolds() {
  let n = 0;
  return new Holds(() => `h_${n++}`);
}

describe('holds', () => {
  it('are kept of every key, however many one of them has', () => {
    const holds = someHolds();
    const [approved, denied, pending] = [0, 1, 2].map((n) => holds.open(asked('owner', n), 0).hold);
    holds.decide(approved as never, 'approved', 'anna', 0);
    holds.decide(denied as never, 'denied', 'anna', 0);
    for (let n = 0; n < 12_000; n++) holds.open(asked('stolen', n), MINUTE);
    expect(holds.list(MINUTE, { key: 'stolen' }).length).toBeLessThan(100);
    expect(holds.list(MINUTE, { key: 'owner' })).toEqual([pending, denied, approved]);
    expect(holds.use('owner 0', MINUTE)).toBe(approved);
    expect(holds.open(asked('owner', 1), MINUTE)).toEqual({ hold: denied, isNew: false });
    // Of the one that has too many, the latest are kept.
    expect(holds.list(MINUTE, { key: 'stolen' })[0]?.path).toBe('/x/11999');
  });

  it('give up what waits before what was decided when very many keys have some', () => {
    const holds = someHolds();
    const first = holds.open(asked('owner', 0), 0).hold;
    holds.decide(first, 'denied', 'anna', 0);
    for (let n = 0; n < 10_500; n++) holds.open(asked(`key-${n}`, 0), MINUTE);
    expect(holds.list(MINUTE)).toHaveLength(10_000);
    expect(holds.get(first.id, MINUTE)).toBe(first);
  });

  it('keep no more of a text than a person reads', () => {
    const { hold } = someHolds().open({ ...asked('k', 'y'.repeat(9_000)), userAgent: 'z'.repeat(9_000) }, 0);
    expect(hold.path.length + hold.userAgent.length).toBeLessThan(5_000);
  });

  it('say when an approval has gone by, and are forgotten after a day', () => {
    const holds = someHolds();
    const { hold } = holds.open(asked('k', 0), 0);
    holds.decide(hold, 'approved', 'anna', MINUTE);
    expect(holds.get(hold.id, 10 * MINUTE)?.state).toBe('approved');
    expect(holds.get(hold.id, 17 * MINUTE)?.state).toBe('expired');
    expect(holds.use('k 0', 17 * MINUTE)).toBeUndefined();
    expect(holds.open(asked('k', 0), 18 * MINUTE).isNew).toBe(true);
    expect(holds.get(hold.id, 25 * 60 * MINUTE)).toBeUndefined();
  });

  it('wait a quarter of an hour for their request even where they were approved at the end of their day', () => {
    const holds = someHolds();
    const { hold } = holds.open(asked('k', 0), 0);
    holds.decide(hold, 'approved', 'anna', 1_435 * MINUTE);
    expect(holds.use('k 0', 1_449 * MINUTE)).toBe(hold);
    expect(holds.get(hold.id, 1_460 * MINUTE)).toBeUndefined();
  });

  it('that were denied stay so for a day from then, however long they had waited', () => {
    const holds = someHolds();
    const { hold } = holds.open(asked('k', 0), 0);
    holds.decide(hold, 'denied', 'anna', 1_435 * MINUTE);
    expect(holds.open(asked('k', 0), 2_870 * MINUTE)).toEqual({ hold, isNew: false });
    expect(holds.open(asked('k', 0), 2_876 * MINUTE).isNew).toBe(true);
  });

  it('that were approved do not wait longer where the clock is set back', () => {
    const holds = someHolds();
    const { hold } = holds.open(asked('k', 0), 1_440 * MINUTE);
    holds.decide(hold, 'approved', 'anna', 1_440 * MINUTE);
    expect(holds.use('k 0', MINUTE)).toBeUndefined();
    expect(hold.state).toBe('expired');
  });
});

describe('the hash of a request', () => {
  const head = (...headers: string[]) => ({
    ...{ minor: 1 as const, method: 'POST', target: '/api/commands', host: 'api', connection: [] },
    ...{ framing: { kind: 'none' as const }, upgrade: undefined, expectContinue: false },
    headers: ['Host', 'api', 'x-api-key', 'kw_1', ...headers],
  });
  const key = [{ in: 'header' as const, name: 'x-api-key' }];
  const hash = (...headers: string[]) => requestHash('key', head(...headers), key, Buffer.from('{}'));

  it('is another where a header may change what the request does', () => {
    const all = [
      hash(),
      hash('Content-Type', 'application/json'),
      hash('Content-Type', 'text/plain'),
      hash('Content-Type', 'application/json', 'X-Org-Id', '1'),
      hash('Content-Type', 'application/json', 'X-Org-Id', '2'),
      hash('X-Org-Id', '1', 'X-Org-Id', '2'),
      hash('Authorization', 'Bearer anna'),
      hash('Authorization', 'Bearer ben'),
      hash('Authorization', 'AWS4-HMAC-SHA256 Credential=AK1/20261128/eu/iam/aws4_request, Signature=a'),
      hash('Authorization', 'AWS4-HMAC-SHA256 Credential=AK2/20261128/eu/iam/aws4_request, Signature=a'),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it('is the same where it is asked again, with other traces and another key text', () => {
    const before = hash(
      'Content-Type',
      'application/json',
      'traceparent',
      'a',
      'X-B3-SpanId',
      '1',
      'Date',
      'x',
    );
    const after = requestHash(
      'key',
      { ...head(), headers: ['content-type', 'application/json', 'x-api-key', 'kw_2', 'Host', 'api'] },
      key,
      Buffer.from('{}'),
    );
    expect(after).toBe(before);
  });

  it('is the same where a signature over the time, or what counts attempts, is another', () => {
    const asked = (day: number, credential = 'AK1') =>
      hash(
        ...[
          'Authorization',
          `AWS4-HMAC-SHA256 Credential=${credential}/2026112${day}/eu/iam/x, Signature=${day}`,
        ],
        ...['X-Amz-Date', `${day}`, 'x-ms-client-request-id', `${day}`, 'X-Stainless-Retry-Count', `${day}`],
      );
    expect(asked(1)).toBe(asked(2));
  });

  it('is another where a connection keeps a header to itself, or changes to another protocol', () => {
    const asked = (more: object) =>
      requestHash('key', { ...head('X-Org-Id', '1'), ...more }, key, Buffer.from('{}'));
    const all = [asked({}), asked({ connection: ['x-org-id'] }), asked({ upgrade: 'websocket' })];
    expect(new Set(all).size).toBe(all.length);
  });

  it('of a form in parts is the same whatever its boundary, and another where a part is', () => {
    const asked = (boundary: string, value: string, type = `multipart/form-data; boundary=${boundary}`) =>
      requestHash(
        ...(['key', head('Content-Type', type), key] as const),
        Buffer.from(
          `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n${value}\r\n--${boundary}--\r\n`,
        ),
      );
    expect(asked('----x1', 'v\u00ff')).toBe(asked('"----x2"'.slice(1, -1), 'v\u00ff'));
    const all = [
      ...[asked('x1', 'v'), asked('x1', 'w'), asked('x1', 'v\r\n--x1\r\n\r\nw'), asked('x1', 'v--x2')],
      ...['multipart/mixed; boundary=x1', 'multipart/form-data; boundary=x2', 'text/plain'].map((type) =>
        asked('x1', 'v', type),
      ),
      asked('x1', 'v', 'multipart/form-data; boundary=x1; boundary=x2'),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});
