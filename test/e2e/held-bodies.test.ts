import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Guarded, raw } from './guarded-api.js';
import { dial, headOf, holdIn, JSON_LINES, steal, stolenKey } from './stranger.js';

const UPDATE = 'PUT /api/systemusers/5f1b2c3d4e5f6a7b8c9d0e1f';
const FORM = 'Content-Type: application/x-www-form-urlencoded';
const [JSON_TYPE] = JSON_LINES as [string];
const MULTIPART = 'Content-Type: multipart/form-data; boundary=x';
const PART = '--x\r\nContent-Disposition: form-data; name="sudo"\r\n\r\ntrue\r\n--x--\r\n';

let guard: Guarded;
beforeAll(async () => {
  guard = await stolenKey();
});
afterAll(() => guard?.close());

describe('the body of a held call', () => {
  it.each([
    ['JSON', '{"firstname":"Anna"}', [JSON_TYPE]],
    ['a form', 'firstname=Anna', [FORM]],
    ['JSON in UTF-8', '{"firstname":"Zoë"}', ['Content-Type: application/json; charset="UTF-8"']],
  ])('lets it pass when it is harmless: %s', async (_, body, lines) => {
    expect(await steal(guard, UPDATE, lines, body)).toMatch(/^HTTP\/1\.1 200/);
  });

  it.each([
    ['JSON', '{"sudo":true}', [JSON_TYPE]],
    ['a form', 'sudo=1', [FORM]],
    ['JSON called a form', '{"sudo":true}', [FORM]],
    ['JSON after a space, called a form', ' {"sudo":true}', [FORM]],
    ['JSON after a line, called a form', '\n{"sudo":true}', [FORM]],
    ['JSON after a BOM, called a form', '\ufeff{"sudo":true}', [FORM]],
    ['JSON called a form, then JSON', ' {"sudo":true}', [FORM, JSON_TYPE]],
    ['a form, then JSON', 'x={"sudo":true}', [FORM, JSON_TYPE]],
    ['parts called a form, then parts', PART, [FORM, MULTIPART]],
    ['a form called JSON in a list', '{"x":"&sudo=1&"}', [`${JSON_TYPE}, application/x-www-form-urlencoded`]],
    ['a form called text', '{"x":"&sudo=1&"}', ['Content-Type: text/plain']],
    ['two codings', '{}', [JSON_TYPE, 'Content-Encoding: identity', 'Content-Encoding: gzip']],
    ['UTF-16', Buffer.from('{"sudo":true}', 'utf16le'), [JSON_TYPE]],
    ['another character set', '{}', ['Content-Type: application/json; charset=utf-8; charset=utf-16']],
    ['a name twice', '{"sudo":false,"sudo":true}', [JSON_TYPE]],
    ['other letter case', '{"SuDo":true}', [JSON_TYPE]],
    ['a letter that folds to s', '{"\u017fudo":true}', [JSON_TYPE]],
    ['an escape', '{"s\\u0075do":true}', [JSON_TYPE]],
    ['a NUL after the name', '{"sudo\\u0000":true}', [JSON_TYPE]],
    ['an object around it', '{"user":{"sudo":true}}', [JSON_TYPE]],
    ['a list of them', '[{"sudo":true}]', [JSON_TYPE]],
    ['a prototype', '{"__proto__":{"sudo":true}}', [JSON_TYPE]],
    ['a patch', '[{"op":"add","path":"/sudo","value":true}]', [JSON_TYPE]],
    ['a form name in PHP', 'passwordless.sudo=1', [FORM]],
  ])('keeps it when it may do more: %s', async (_, body, lines) => {
    expect(holdIn(await steal(guard, UPDATE, lines, body))).toBeDefined();
  });

  it('does not hide what the query says', async () => {
    const mild = '{"firstname":"Anna"}';
    expect(holdIn(await steal(guard, `${UPDATE}?sudo=true`, JSON_LINES, mild))).toBeDefined();
    expect(await steal(guard, `${UPDATE}?fields=sudo`, JSON_LINES, mild)).toMatch(/^HTTP\/1\.1 200/);
  });
});

describe('what operators see of a held call', () => {
  it('has no key in it that stands where a field’s name belongs', async () => {
    for (const [body, line] of [
      [`${guard.key}&sudo=1`, FORM],
      [JSON.stringify({ [guard.key]: { sudo: 1 } }), JSON_TYPE],
    ] as const) {
      const hold = holdIn(await steal(guard, `${UPDATE}?${guard.key}=1`, [line], body)) as string;
      const { fields } = await guard.running.approvals.show(hold);
      expect(fields.join()).toContain('[redacted]');
      expect(fields.join()).not.toContain(guard.key.toLowerCase());
    }
  });
});

describe('a held call in chunks', () => {
  const chunked = (line: string, body: string, size: number) => {
    const chunks = (body.match(new RegExp(`.{1,${size}}`, 'g')) ?? []).map(
      (each) => `${each.length.toString(16)}\r\n${each}\r\n`,
    );
    const head = headOf(guard, line, [...JSON_LINES, 'Transfer-Encoding: chunked']);
    return raw(guard.port, `${head}${chunks.join('')}0\r\n\r\n`);
  };

  it('passes when its body is harmless, as it came', async () => {
    expect(await chunked(UPDATE, '{"lastname":"B"}', 4)).toMatch(/^HTTP\/1\.1 200/);
    expect(guard.received()).toContain('4\r\n{"la\r\n4\r\nstna\r\n4\r\nme":\r\n4\r\n"B"}\r\n0\r\n\r\n');
    expect(holdIn(await chunked(UPDATE, '{"sudo":true}', 4))).toBeDefined();
  });

  it('is the same whatever the chunks, and without any', async () => {
    const body = '{"sudo":true,"lastname":"C"}';
    const hold = holdIn(await chunked(UPDATE, body, 5)) as string;
    expect(holdIn(await chunked(UPDATE, body, 7))).toBe(hold);
    expect(holdIn(await steal(guard, UPDATE, JSON_LINES, body))).toBe(hold);
    await guard.running.approvals.approve('anna', hold, false);
    expect(holdIn(await chunked(UPDATE, body.replace('C', 'D'), 7))).toBeDefined();
    expect(await chunked(UPDATE, body, 3)).toMatch(/^HTTP\/1\.1 200/);
  });

  it('is refused when its framing is broken', async () => {
    const head = headOf(guard, UPDATE, [...JSON_LINES, 'Transfer-Encoding: chunked']);
    expect(await raw(guard.port, `${head}zz\r\n{}`)).toMatch(/^HTTP\/1\.1 400/);
  });
});

describe('a held call that cannot be approved', () => {
  const impossible = /^HTTP\/1\.1 403 (?![\s\S]*"hold":)[\s\S]*cannot be approved: [\s\S]*hold_impossible/;
  const large = `{"sudo":"${'x'.repeat(256 * 1024)}"}`;

  it('is told so when its body is too large, before it is sent where its length is known', async () => {
    const before = (await guard.running.approvals.list({})).holds.length;
    const head = headOf(guard, UPDATE, [...JSON_LINES, `Content-Length: ${large.length}`]);
    expect(await raw(guard.port, head)).toMatch(impossible);
    const chunked = headOf(guard, UPDATE, [...JSON_LINES, 'Transfer-Encoding: chunked']);
    const sent = `${chunked}${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`;
    expect(await raw(guard.port, sent)).toMatch(impossible);
    expect((await guard.running.approvals.list({})).holds).toHaveLength(before);
  });

  it('is told so when it has trailers', async () => {
    const head = headOf(guard, UPDATE, [...JSON_LINES, 'Transfer-Encoding: chunked']);
    expect(await raw(guard.port, `${head}2\r\n{}\r\n0\r\nX-Sudo: true\r\n\r\n`)).toMatch(impossible);
  });
});

describe('a held call that expects 100 Continue', () => {
  it.each([
    ['{"sudo":true}', '403'],
    ['{"lastname":"E"}', '200'],
  ])('is asked for its body, once: %s', async (body, status) => {
    const { socket, answer } = dial(guard.port);
    const lines = [...JSON_LINES, `Content-Length: ${body.length}`, 'Expect: 100-continue'];
    socket.write(headOf(guard, UPDATE, lines));
    await expect.poll(answer).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write(body);
    await expect.poll(answer).toMatch(new RegExp(`100 Continue\r\n\r\nHTTP/1\\.1 ${status}`));
    expect(guard.received()).not.toMatch(/^Expect/im);
    socket.destroy();
  });

  it('is not asked for what is there already, or will not be looked at', async () => {
    const lines = [...JSON_LINES, 'Expect: 100-continue'];
    expect(await steal(guard, UPDATE, lines, '{"sudo":true}')).toMatch(/^HTTP\/1\.1 403/);
    const large = headOf(guard, UPDATE, [...lines, 'Content-Length: 300000']);
    expect(await raw(guard.port, large)).toMatch(/^HTTP\/1\.1 403/);
  });
});
