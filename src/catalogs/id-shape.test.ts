import { describe, expect, it } from 'vitest';
import { placeholderOf } from './id-shape.js';

describe('a path segment', () => {
  it.each([
    '42',
    '5f0c1d4e8a3b2c1d0e9f8a7b',
    '3fa85f64-5717-4562-b3fc-2c963f66afa6',
    '3fa85f6457174562b3fc2c963f66afa6',
    'anna@example.com',
    '2023-06-27',
    '2023-06-27t08:00:00.000z',
    '203.0.113.7',
    '2001:db8::1',
    '00u1ab2cd3ef4gh5ij6k',
    'usr_4f9a8b7c6d5e',
    'kw_live_8f7a6b5c4d3e2f1a0b9c',
    'eyjhbgcioijiuzi1niisinr5cci6ikpxvcj9',
    'da39a3ee5e6b4b0d3255bfef95601890afd80709',
    'arn:aws:iam::123456789012:role',
    'x'.repeat(100),
    '{id}',
    'with space',
  ])('%s is an id', (segment) => {
    expect(placeholderOf(segment, 2)).toBe('{id}');
  });

  it.each([
    'users',
    'systemusers',
    'reset_mfa',
    'two-factor-authentication',
    'v2',
    'oauth2',
    'feedback',
    'facade',
    'index.php',
    'openid-configuration',
    '.well-known',
    'sha256',
    'windows10',
    'base64url',
  ])('%s is a word', (segment) => {
    expect(placeholderOf(segment, 2)).toBeUndefined();
  });

  it('that is a served file keeps its kind', () => {
    expect([placeholderOf('logo.png', 1), placeholderOf('jquery-1.9.1.min.js', 1)]).toEqual([
      '{file}.png',
      '{file}.js',
    ]);
  });

  it('at the root may be the version of the API', () => {
    expect([placeholderOf('2010-04-01', 0), placeholderOf('1', 0), placeholderOf('1.0', 0)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
