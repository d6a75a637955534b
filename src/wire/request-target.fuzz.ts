import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTarget } from './request-target.js';

const piece = fc.oneof(
  fc.constantFrom('/', '//', '.', '..', '%2e', '%2E%2e', '%2f', '%5C', '%00', '%', '%zz', ';a=1', '\\', '?'),
  fc.constantFrom('#', 'Users', 'é', '%C3%A9', '%c3', '@', ':', '*', '&', '=', '~', '%25', '%252e'),
  fc.string({ maxLength: 4 }),
);
const target = fc
  .tuple(fc.constantFrom('/', '', 'http://host', 'HTTPS://h:1/', '*'), fc.array(piece, { maxLength: 12 }))
  .map(([start, pieces]) => start + pieces.join(''));

describe('request targets of any input', () => {
  it('are taken apart without loss, or refused with a reason', () => {
    fc.assert(
      fc.property(target, (text) => {
        const parsed = parseTarget(text);
        if (parsed.kind === 'refused') {
          expect(parsed.why).not.toBe('');
          return;
        }
        const whole = parsed.path + parsed.query;
        const absolute = parsed.authority === undefined ? '' : `http://${parsed.authority}`;
        // An absolute URL may leave out the slash of its empty path.
        expect([absolute + whole, absolute + whole.slice(1)]).toContain(text.replace(/^https?/i, 'http'));
        expect(parsed.path.includes('?')).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('name no other place once decoded: no dot segment, separator, control or upper case is left', () => {
    fc.assert(
      fc.property(target, (text) => {
        const parsed = parseTarget(text);
        if (parsed.kind === 'refused' || text === '*') return;
        for (const segment of parsed.segments) {
          expect(segment).not.toMatch(/^\.{0,2}$|[/\\]/);
          for (const char of segment) expect(char.charCodeAt(0)).toBeGreaterThan(0x1f);
          expect(segment).toBe(segment.toLowerCase());
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('hide no dot segment behind an encoded separator or path parameters, where these are forwarded', () => {
    for (const path of ['/public;%2f..%2fadmin', '/a%2f..;x', '/..;x/a', '/a%5c.%5cb', '/%2e%2e%2fa'])
      expect(parseTarget(path, 'forward').kind, path).toBe('refused');
    expect(parseTarget('/a%2fb..c;d=..', 'forward').kind).toBe('done');
  });

  it('agree with the WHATWG parser on how deep an accepted path is', () => {
    fc.assert(
      fc.property(target, (text) => {
        const parsed = parseTarget(text);
        if (parsed.kind === 'refused' || text === '*' || parsed.path.includes(';')) return;
        // That parser drops blanks and controls; the head parser in front of ours never lets them through.
        if (/[\x00-\x20]/.test(parsed.path)) return;
        const { pathname } = new URL(`http://h${parsed.path}`);
        expect(pathname.split('/').filter((each) => each !== '').length).toBe(parsed.segments.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(['http://good@evil/', 'http://a\\b/', 'http:///x', 'ftp://h/', 'x', ''])(
    '%j is refused',
    (text) => {
      expect(parseTarget(text).kind).toBe('refused');
    },
  );

  it('are read quickly however hostile', () => {
    for (const unit of ['/', '%2e/', ';', 'a;/', '/..%2f', '%'])
      expect(() => parseTarget(`/${unit.repeat(65_536 / unit.length)}`)).not.toThrow();
  }, 2_000);
});
