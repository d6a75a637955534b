import { execFileSync } from 'node:child_process';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Where a secret of Keyward's own comes from: exactly one of these. */
export type SecretSource =
  | { readonly file: string }
  | { readonly env: string }
  /** A program and its arguments that print the secret: the hook for a KMS. */
  | { readonly command: readonly string[] };

const COMMAND_TIMEOUT_MS = 10_000;

/** A secret could not be had. The message names the source, never the content. */
export class SecretFault extends Error {
  override readonly name = 'SecretFault';
}

function readText(source: SecretSource, what: string): string {
  if ('env' in source) {
    const value = process.env[source.env];
    if (value === undefined || value === '')
      throw new SecretFault(`${what}: the environment variable ${source.env} is not set.`);
    return value.trim();
  }
  if ('file' in source) {
    try {
      return readFileSync(source.file, 'utf8').trim();
    } catch (error) {
      throw new SecretFault(
        `${what}: ${source.file} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
      );
    }
  }
  const [program, ...args] = source.command;
  try {
    return execFileSync(program as string, args, {
      encoding: 'utf8',
      timeout: COMMAND_TIMEOUT_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    throw new SecretFault(
      `${what}: the command ${program} failed or took longer than ${COMMAND_TIMEOUT_MS / 1000} s.`,
    );
  }
}

/** Writes a new secret file that only its owner can read; never overwrites one. */
function createSecretFile(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${text}\n`, { mode: 0o600, flag: 'wx' });
  chmodSync(file, 0o600);
}

/** 32 random bytes, base64, from their source; a missing file is created on first run. @throws SecretFault */
export function loadSecret(source: SecretSource, what: string): Buffer {
  if ('file' in source && !existsSync(source.file))
    createSecretFile(source.file, randomBytes(32).toString('base64'));
  return readSecret(source, what);
}

/** @throws SecretFault when the source gives nothing or not exactly 32 bytes */
export function readSecret(source: SecretSource, what: string): Buffer {
  const bytes = Buffer.from(readText(source, what), 'base64');
  if (bytes.length !== 32)
    throw new SecretFault(`${what}: expected 32 bytes in base64, found ${bytes.length}.`);
  return bytes;
}

/** The Ed25519 key that signs the journal, PKCS#8 PEM; a missing file is created on first run. */
export function loadSigningKey(source: SecretSource, what: string): KeyObject {
  if ('file' in source && !existsSync(source.file)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    createSecretFile(source.file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim());
  }
  try {
    const key = createPrivateKey(readText(source, what));
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (error) {
    if (error instanceof SecretFault) throw error;
  }
  throw new SecretFault(`${what}: expected an Ed25519 private key in PEM.`);
}

const EVENT_KEY_BITS = 2_048;

/** The key that signs security event tokens: RSA, P-256 or Ed25519; a missing file is created on first run, RSA. */
export function loadEventKey(source: SecretSource, what: string): KeyObject {
  if ('file' in source && !existsSync(source.file)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: EVENT_KEY_BITS });
    createSecretFile(source.file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim());
  }
  try {
    const key = createPrivateKey(readText(source, what));
    const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
    const usable =
      (key.asymmetricKeyType === 'rsa' && modulusLength >= EVENT_KEY_BITS) ||
      (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') ||
      key.asymmetricKeyType === 'ed25519';
    if (usable) return key;
  } catch (error) {
    if (error instanceof SecretFault) throw error;
  }
  throw new SecretFault(
    `${what}: expected a private key in PEM: RSA of 2048 bits or more, P-256 or Ed25519.`,
  );
}

/** A password or token as its source has it, without the space around it. @throws SecretFault */
export function readSecretText(source: SecretSource, what: string): string {
  const text = readText(source, what);
  if (text === '' || /[\r\n]/.test(text)) throw new SecretFault(`${what}: expected one line of text.`);
  return text;
}

/** Short public name of a secret: tells which one sealed what, reveals nothing. */
export function secretId(secret: Buffer): string {
  return createHash('sha256').update('keyward secret id\0').update(secret).digest('hex').slice(0, 12);
}

/** The public half of a signing key, base64url SPKI. */
export function publicKeyText(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64url');
}
