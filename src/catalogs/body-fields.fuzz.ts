import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyFieldReader, bodyFieldsOf } from './body-fields.js';

/** The naive twin: parse it all, then walk it. */
function namesOf(value: unknown, path = '', depth = 0, names = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const each of value) namesOf(each, path, depth, names);
  else if (typeof value === 'object' && value !== null)
    for (const [key, each] of Object.entries(value)) {
      const above = depth < 4 ? path : path.slice(path.indexOf('.') + 1);
      const at = depth === 0 ? key.toLowerCase() : `${above}.${key.toLowerCase()}`;
      names.add(at);
      namesOf(each, at, depth + 1, names);
    }
  return names;
}

const bytes = (text: string) => new TextEncoder().encode(text);

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('field names of a body', () => {
  it('are those that JSON.parse gives', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        expect(bodyFieldsOf(bytes(text))).toEqual({ kind: 'known', names: namesOf(JSON.parse(text)) });
      }),
      { numRuns: 500 },
    );
  });

  it('do not depend on where the chunks are cut', () => {
    fc.assert(
      fc.property(fc.json(), fc.array(fc.nat(40)), fc.boolean(), (text, cuts, form) => {
        const contentType = form ? 'application/x-www-form-urlencoded' : 'application/json';
        const whole = bytes(text);
        const reader = new BodyFieldReader({ contentType });
        let at = 0;
        for (const cut of cuts) {
          reader.push(whole.subarray(at, at + cut));
          at += cut;
        }
        reader.push(whole.subarray(at));
        expect(reader.end()).toEqual(bodyFieldsOf(whole, { contentType }));
      }),
    );
  });

  it('of a beginning are never called known, and are among those of the whole', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (text, cut) => {
        const whole = bytes(text);
        const begun = bodyFieldsOf(whole.subarray(0, cut % (whole.length + 1)), {}, false);
        const all = bodyFieldsOf(whole).names;
        expect(begun.kind).toBe('unknown');
        expect([...begun.names].every((name) => all.has(name))).toBe(true);
      }),
    );
  });

  it('of text that is not JSON are never called known', () => {
    const damaged = fc
      .tuple(fc.json(), fc.nat(), fc.string({ maxLength: 3, unit: 'binary-ascii' }))
      .map(
        ([text, at, more]) =>
          text.slice(0, at % (text.length + 1)) + more + text.slice(at % (text.length + 1)),
      );
    fc.assert(
      fc.property(
        fc.oneof(
          damaged,
          fc.string(),
          fc.stringMatching(/^[{}[\]",:\\u0a e.1-]{1,12}$/),
          fc.stringMatching(/^"[\\"u0aAg/ ]{0,9}"$/),
        ),
        (text) => {
          fc.pre(text !== '');
          expect(bodyFieldsOf(bytes(text)).kind).toBe(isJson(text) ? 'known' : 'unknown');
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('of any bytes and headers give an answer', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.string(),
        fc.string(),
        (body, contentType, contentEncoding) => {
          expect(bodyFieldsOf(body, { contentType, contentEncoding }).kind).toMatch(/^(?:known|unknown)$/);
        },
      ),
    );
  });

  it('of a form are those that URLSearchParams gives', () => {
    const name = fc.stringMatching(/^[a-z \u00e4%+&=;]{1,8}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.string())), (pairs) => {
        const result = bodyFieldsOf(bytes(new URLSearchParams(pairs).toString()), {
          contentType: 'application/x-www-form-urlencoded; charset=UTF-8',
        });
        const read = pairs.flatMap(([each]) => [each.trim(), each.trim().replaceAll(' ', '_')]);
        expect(result).toEqual({ kind: 'known', names: new Set(read.filter((each) => each !== '')) });
      }),
    );
  });
});
