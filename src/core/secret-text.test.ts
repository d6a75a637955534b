import { describe, expect, it } from 'vitest';
import { pathWithoutSecrets, withoutKeys, withoutSecrets } from './secret-text.js';

const KEY = `kw_live_0123456789AB_${'Zz9'.repeat(12)}Zz`;

describe('what is kept of a text', () => {
  it('has no key of ours in it, in whatever case, but says whose it was', () => {
    expect(withoutKeys(`a ${KEY} b`)).toBe('a kw_live_0123456789AB_[redacted] b');
    expect(withoutKeys(`/x/${KEY.toLowerCase()}/y`)).toBe('/x/kw_live_0123456789ab_[redacted]/y');
  });

  it('has not the credential in it that it came with, unless that could be any word', () => {
    expect(withoutSecrets('/x/SSWS-00aBcDeF123/00abcdef', 'SSWS-00aBcDeF123')).toBe('/x/[redacted]/00abcdef');
    expect(withoutSecrets('/x/ssws-00abcdef123', 'SSWS-00aBcDeF123')).toBe('/x/[redacted]');
    expect(withoutSecrets('/api/commands', 'commands')).toBe('/api/commands');
    expect(withoutSecrets('/api/commands', undefined)).toBe('/api/commands');
  });

  it('of a path has no secret in it that is percent-encoded or goes over several segments', () => {
    const path = (text: string, credential?: string) => pathWithoutSecrets(text, credential);
    expect(path(`/a%20b/${KEY.replace('k', '%6B')}/y`)).toBe('/a%20b/kw_live_0123456789AB_[redacted]/y');
    expect(path('/x/ab%2Fcd%2B12345678%3d/y%20z', 'ab/cd+12345678=')).toBe('/x/[redacted]/y%20z');
    expect(path('/x/ab/cd+12345678=/y', 'ab/cd+12345678=')).toBe('/x/[redacted]/y');
    expect(path('/x/100%25-00aBcDeF1234', '00aBcDeF1234')).toBe('/x/100%25-[redacted]');
    expect(path('/x/a%20b', '00aBcDeF1234')).toBe('/x/a%20b');
    expect(path('/x/%zz', '00aBcDeF1234')).toBe('/x/%zz');
  });
});
