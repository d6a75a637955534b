import { describe, expect, it } from 'vitest';
import { ConfigFault, parseConfig } from './load.js';

function problems(notices: string): string[] {
  const text = `upstreams:\n  - { name: api, url: "http://127.0.0.1:1" }\nlisteners:\n  - port: 0\nnotices:\n${notices}`;
  try {
    parseConfig(text, '/etc/keyward.yaml');
    return [];
  } catch (error) {
    if (error instanceof ConfigFault) return error.problems.map((p) => `${p.line} ${p.field}: ${p.message}`);
    throw error;
  }
}

describe('the section notices', () => {
  it('is not needed, and is taken when it is right', () => {
    expect(problems('  approval: none')).toEqual([]);
    const whole = `  from: Guard <security@guard.example>
  smtp: { host: mail.example.com, user: guard, password: { env: X } }
  webhooks: { allowNetworks: [10.0.0.0/8] }
  reset: { port: 0, address: "reset.example.com:8443/keys" }
  ssf: { issuer: "https://guard.example", streams: [{ name: a, delivery: poll, audience: x, token: { env: X } }] }`;
    expect(problems(whole)).toEqual([]);
  });

  it.each([
    ['  smtp: { host: mail.example.com }', /^6 notices.smtp: needs notices.from/],
    ['  from: a@b.c\n  smtp: { host: mail.example.com, user: x }', /^7 notices.smtp.user: user and password/],
    [
      '  from: a@b.c\n  smtp: { host: mail.example.com, security: none }',
      /^7 notices.smtp.security: .*another machine/,
    ],
    [
      '  from: a@b.c\n  smtp: { host: 127.0.0.1, security: none, user: x, password: { env: X } }',
      /^7 notices.smtp.security: would send the password in clear/,
    ],
    ['  from: "a@b.c\\r\\nBcc: x@y.z"', /^6 notices.from: must be an address/],
    ['  webhooks:\n    allowNetworks: [10.0.0.1/8]', /^7 notices.webhooks.allowNetworks\[0\]: .*host bits/],
    [
      '  reset: { port: 0, address: "https://reset.example" }',
      /^6 notices.reset.address: must be a host name without/,
    ],
    ['  reset: { port: 0, address: r.example, host: 0.0.0.0 }', /^6 notices.reset.host: .*give tls/],
    ['  ssf: { issuer: "https://g.example/x" }', /^6 notices.ssf.issuer: must have no path/],
    [
      '  ssf:\n    issuer: https://g.example\n    streams:\n      - { name: a, delivery: push, audience: x }',
      /^9 notices.ssf.streams\[0\]: needs url/,
    ],
    [
      '  ssf:\n    issuer: https://g.example\n    streams:\n      - { name: a, delivery: poll, audience: x }',
      /^9 notices.ssf.streams\[0\]: needs token/,
    ],
    ['  retries: { attemptsMax: 0 }', /^6 notices.retries.attemptsMax/],
    ['  sms: {}', /^6 notices.sms: there is no such field/],
  ])('%j is refused with its line', (text, message) => {
    expect(problems(text)).toEqual([expect.stringMatching(message)]);
  });
});
