import { describe, expect, it } from 'vitest';
import { withoutKeys, withoutSecrets } from './secret-text.js';

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
});
