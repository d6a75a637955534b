import { describe, expect, it } from 'vitest';
import { bodyFieldsOf, LOOK_AHEAD_BYTES_MAX } from './body-fields.js';

const FORM = 'application/x-www-form-urlencoded';
const read = (text: string, contentType?: string, contentEncoding?: string) =>
  bodyFieldsOf(new TextEncoder().encode(text), { contentType, contentEncoding });

describe('the fields of a request body', () => {
  it.each([
    ['{"firstname":"A","mfa":{"exclusion":true}}', ['firstname', 'mfa', 'mfa.exclusion']],
    ['{"Password":1}', ['password']],
    ['{"pass\\u0077ord":1}', ['password']],
    ['[{"id":1},{"sudo":true}]', ['id', 'sudo']],
    ['{"to":[{"type":"user"}]}', ['to', 'to.type']],
    ['{"__proto__":1}', ['__proto__']],
    ['{"\u017fudo":1,"\uff53\uff55\uff44\uff4f":1}', ['sudo']],
    ['{"a":{"b":{"c":{"d":{"sudo":1}}}}}', ['a', 'a.b', 'a.b.c', 'a.b.c.d', 'b.c.d.sudo']],
    [' \n{} ', []],
    ['12', []],
    ['', []],
  ])('%s: %j', (text, names) => {
    expect(read(text, 'application/json')).toEqual({ kind: 'known', names: new Set(names) });
  });

  it.each([
    ['a=1&user%5Bpassword%5D=x&b', ['a', 'user', 'user.password', 'b']],
    ['items[][id]=1', ['items', 'items.id']],
    ['x=a=b;sudo=1', ['x', 'sudo']],
    ['items[0][id]=1', ['items', 'items.id']],
    [
      'passwordless.sudo=1&+sudo=Anna Smith',
      ['passwordless', 'passwordless.sudo', 'passwordless_sudo', 'sudo'],
    ],
  ])('%s, as a form: %j', (text, names) => {
    expect(read(text, FORM)).toEqual({ kind: 'known', names: new Set(names) });
  });

  it.each([
    ['what a lenient parser would take', "{'password':1}", 'application/json', undefined],
    ['a comment', '{"a":1/*,*/}', 'application/json', undefined],
    ['a trailing comma', '{"a":1,}', 'application/json', undefined],
    ['two values', '{"a":1}{"password":1}', 'application/json', undefined],
    ['an escape that JSON has not', '{"a":"\\x70"}', 'application/json', undefined],
    ['half an escape', '{"a":"\\u00"}', 'application/json', undefined],
    ['NaN', '{"a":NaN}', 'application/json', undefined],
    ['an unfinished text', '{"a":1', 'application/json', undefined],
    ['several parts', '--x', 'multipart/form-data; boundary=x', undefined],
    ['compression', '{}', 'application/json', 'gzip'],
    ['another character set', '{}', 'application/json; charset=utf-16', undefined],
    ['JSON under the name of a form', '{"password":1}', FORM, undefined],
    ['JSON under the name of a form, after white space', ' \n{"password":1}', FORM, undefined],
    ['JSON under the name of a form, after a BOM', '\ufeff{"password":1}', FORM, undefined],
    ['JSON under the name of a form, after a comment', '/*a=*/{"password":1}', FORM, undefined],
    ['lines under the name of a form', 'a=1\npassword: 1', FORM, undefined],
    ['UTF-16 under the name of a form', '\0{\0"', FORM, undefined],
    ['two types', 'a=1', `${FORM}, application/json`, undefined],
    ['two types after a character set', '{}', `application/json; charset=utf-8, ${FORM}`, undefined],
    ['two codings', '{}', 'application/json', 'identity, gzip'],
    ['two character sets', '{}', 'application/json; charset=utf-8; charset=utf-16', undefined],
    ['an extended character set', '{}', "application/json; charset*=utf-8''utf-16", undefined],
    ['a type that may hold a form', '{"x":"&password=1&"}', 'text/plain', undefined],
    ['a patch', '[{"op":"add","path":"/password"}]', 'application/json', undefined],
    ['a patch by its type', '[]', 'application/json-patch+json', undefined],
    ['a name with a NUL', '{"password\\u0000":1}', 'application/json', undefined],
    ['a name with half a surrogate pair', '{"password\\ud800":1}', 'application/json', undefined],
    ['a name with a character that is not seen', '{"pass\u200bword":1}', 'application/json', undefined],
    ['a form name with a NUL', 'password%00=1', FORM, undefined],
    ['a form under another name', 'password=1', 'text/plain', undefined],
    ['a form name that cannot be decoded', '%ff=1', FORM, undefined],
    [
      'too many names',
      JSON.stringify(Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`f${i}`, 1]))),
      undefined,
      undefined,
    ],
    ['too deep', '['.repeat(200) + ']'.repeat(200), undefined, undefined],
    ['a long name', `{"${'x'.repeat(300)}":1}`, undefined, undefined],
    ['a long body', `{"a":"${'x'.repeat(LOOK_AHEAD_BYTES_MAX)}"}`, undefined, undefined],
  ])('are unknown for %s', (_, text, contentType, contentEncoding) => {
    expect(read(text, contentType, contentEncoding)).toMatchObject({ kind: 'unknown' });
  });

  it('are unknown for bytes that are not UTF-8, in values too', () => {
    const bytes = Uint8Array.from([...'{"a":"'].map((each) => each.charCodeAt(0)).concat(0xe2, 0x22, 0x7d));
    expect(bodyFieldsOf(bytes, { contentType: 'application/json' })).toMatchObject({ kind: 'unknown' });
  });

  it('that were seen before the end of the look-ahead are told', () => {
    const { names } = read(`{"password":1,"a":"${'x'.repeat(LOOK_AHEAD_BYTES_MAX)}"}`);
    expect([...names]).toEqual(['password', 'a']);
  });
});
