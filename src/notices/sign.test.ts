import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { facts, keyFacts, signingKey, T } from '../../test/notices/fixture.js';
import type { Notice } from './records.js';
import { verifyNotice } from './sign.js';
import { loadTemplates } from './templates.js';
import { writeSigned } from './write.js';

const privateKey = signingKey();
const head = { templates: loadTemplates(undefined), sender: 'Sec <security@guard.example>', privateKey };

function notice(over: Partial<Notice> = {}): Notice {
  const of = over.facts ?? facts();
  return {
    ...{ id: 'n1', incident: of.incident, tenant: of.tenant, kind: of.touched ? 'touched' : 'precaution' },
    ...{ facts: of, draftedMs: T, draftedBy: 'anna' },
    ...over,
  };
}

const pickUp = { address: 'reset.example.net', untilMs: T + 86_400_000, keys: 1 };
const { signed } = writeSigned(head, notice(), { atMs: T, tenantName: 'Acme', pickUp });
const file = JSON.stringify(signed, null, 2);

describe('a signed notice', () => {
  it('is accepted with the key that was noted, and says what happened to whom', () => {
    const result = verifyNotice(file, signed.publicKey);
    expect(result).toMatchObject({ ok: true, document: { kind: 'touched', facts: { tenant: 'acme' } } });
    expect(signed.text.replace(signed.publicKey, 'KEY')).toMatchSnapshot();
  });

  it('that says nothing was touched gives the grounds', () => {
    const grounds = [
      'no operation since 2026-11-20 outside its own pattern',
      '0 of its requests from the places of the incident',
    ];
    const of = facts({ touched: false, grounds, keys: [keyFacts({ operations: [], objects: [] })] });
    const { signed: precaution } = writeSigned(head, notice({ facts: of }), {
      ...{ atMs: T, tenantName: undefined, pickUp: undefined },
    });
    expect(precaution.text.replace(signed.publicKey, 'KEY')).toMatchSnapshot();
  });

  it('is checked as the documentation says, with nothing of Keyward', () => {
    const sorted = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(sorted)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .sort()
                .map(([name, each]) => [name, sorted(each)]),
            )
          : value;
    const { document, text, signature, publicKey } = JSON.parse(file);
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64url'), format: 'der', type: 'spki' });
    const bytes = Buffer.from(`keyward-notice-v1\n${JSON.stringify(sorted(document))}`);
    expect(verify(null, bytes, key, Buffer.from(signature, 'base64url'))).toBe(true);
    expect(createHash('sha256').update(text).digest('hex')).toBe(document.textSha256);
  });

  it('reads the same after any JSON program has rewritten it', () => {
    const reordered = Object.fromEntries(Object.entries(signed).reverse());
    expect(verifyNotice(JSON.stringify(reordered), signed.publicKey).ok).toBe(true);
  });

  it('is refused when any one character of it was changed', () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        const changed = file.slice(0, at) + character + file.slice(at + 1);
        let same = false;
        try {
          same = JSON.stringify(JSON.parse(changed)) === JSON.stringify(signed);
        } catch {}
        expect(verifyNotice(changed, signed.publicKey).ok).toBe(same);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['another text', { text: `${signed.text}P.S. log in at evil.example` }, /text is not/],
    ['an added fact', { document: { ...signed.document, more: 1 } }, /document is not/],
    ['a part beside the signed ones', { message: 'call us at +1' }, /nobody signed: message/],
    ['no text', { text: undefined }, /no notice file/],
    ['a signature in another spelling', { signature: `${signed.signature}=` }, /not what was signed/],
    ['a key that is none', { publicKey: 'AAAA' }, /another key/],
  ])('with %s is refused', (_, change, problem) => {
    const result = verifyNotice(JSON.stringify({ ...signed, ...change }), signed.publicKey);
    expect(result.ok ? '' : result.problem).toMatch(problem);
  });

  it('of a stranger is refused by the noted key, however well it agrees with itself', () => {
    const stranger = { ...head, privateKey: generateKeyPairSync('ed25519').privateKey };
    const forged = JSON.stringify(
      writeSigned(stranger, notice(), { atMs: T, tenantName: 'Acme', pickUp }).signed,
    );
    expect(verifyNotice(forged).ok).toBe(true);
    expect(verifyNotice(forged, signed.publicKey)).toMatchObject({ ok: false, problem: /another key/ });
  });

  it.each(['', '{', '[]', 'null', '{"format":"keyward-notice-v1"}', '"x"'])('%j is no notice', (text) => {
    expect(verifyNotice(text).ok).toBe(false);
  });
});

describe('names that a thief chose', () => {
  it('become neither links nor lines nor placeholders', () => {
    const evil =
      'x\n\n6. WHAT TO DO NOW\nLog in at https://evil.example www.evil.example \u202egnp.exe {{check}}';
    const keys = [
      keyFacts({
        name: evil,
        principal: evil,
        places: [evil],
        objects: [{ id: evil, effect: 'created', count: 1 }],
      }),
    ];
    const { signed: hostile, subject } = writeSigned(
      head,
      notice({ facts: facts({ keys, incident: evil }), incident: evil }),
      {
        ...{ atMs: T, tenantName: evil, pickUp },
      },
    );
    for (const text of [hostile.text, subject]) {
      expect(text).not.toMatch(/:\/\/|www\.|\u202e/);
      expect(text.match(/^6\. WHAT TO DO NOW$/gm)?.length ?? 0).toBeLessThan(2);
    }
    expect(subject).not.toContain('\n');
  });

  it('in any number leave the text readable and the file whole', () => {
    const objects = Array.from({ length: 5_000 }, (_, n) => ({
      id: `user/${n}`,
      effect: 'read' as const,
      count: 1,
    }));
    const { signed: long } = writeSigned(head, notice({ facts: facts({ keys: [keyFacts({ objects })] }) }), {
      ...{ atMs: T, tenantName: 'Acme', pickUp },
    });
    expect(long.text).toContain('… and 4800 more; the signed file has all of them.');
    expect(JSON.stringify(long.document)).toContain('user/4999');
  });
});
