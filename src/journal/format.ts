import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { leafHash, merkleRoot, sha256 } from './merkle.js';

/** Stands for the batch line before the very first. */
export const NO_BATCH = '0'.repeat(64);
export const NEWLINE = 0x0a;
const SEGMENT_NAME = /^journal-(\d{8})\.jsonl$/;
const BATCH_START = Buffer.from('{"batch":');
const HEX_HASH = /^[0-9a-f]{64}$/;

/** First line of a segment. */
export interface SegmentHeader {
  readonly segment: number;
  /** Hash of the batch line before this segment. */
  readonly prev: string;
  /** base64url of the DER SubjectPublicKeyInfo of the key that signs this segment's batches. */
  readonly publicKey: string;
}

/** What a batch line says, without its signature. */
export interface BatchFields {
  readonly batch: number;
  readonly first: number;
  readonly count: number;
  readonly time: number;
  readonly root: string;
  readonly prev: string;
}

export interface BatchLine extends BatchFields {
  readonly sig: string;
}

export function segmentName(segment: number): string {
  return `journal-${String(segment).padStart(8, '0')}.jsonl`;
}

/** Numbers of the segments in a directory, ascending. */
export function listSegments(dir: string): number[] {
  return readdirSync(dir)
    .map((name) => SEGMENT_NAME.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

export function segmentPath(dir: string, segment: number): string {
  return join(dir, segmentName(segment));
}

export function encodeHeader({ segment, prev, publicKey }: SegmentHeader): string {
  return JSON.stringify({ keyward: 'journal', version: 1, segment, prev, publicKey });
}

/** Undefined unless the line is byte for byte what `encodeHeader` writes. */
export function parseHeader(line: Buffer): SegmentHeader | undefined {
  const value = parseObject(line);
  const { segment, prev, publicKey } = value ?? {};
  if (!isCount(segment) || !isHash(prev) || typeof publicKey !== 'string') return undefined;
  const header = { segment, prev, publicKey };
  return line.equals(Buffer.from(encodeHeader(header))) ? header : undefined;
}

/** The bytes a batch signature covers: the batch line with `,"sig":"..."` left out. */
export function signedBytes({ batch, first, count, time, root, prev }: BatchFields): Buffer {
  return Buffer.from(JSON.stringify({ batch, first, count, time, root, prev }));
}

export function encodeBatch(fields: BatchFields, privateKey: KeyObject): string {
  const { batch, first, count, time, root, prev } = fields;
  const sig = sign(null, signedBytes(fields), privateKey).toString('base64url');
  return JSON.stringify({ batch, first, count, time, root, prev, sig });
}

export function isBatchLine(line: Buffer): boolean {
  return line.subarray(0, BATCH_START.length).equals(BATCH_START);
}

/** Undefined unless the line is byte for byte what `encodeBatch` can write. Says nothing of the signature. */
export function parseBatch(line: Buffer): BatchLine | undefined {
  const { batch, first, count, time, root, prev, sig } = parseObject(line) ?? {};
  if (!isCount(batch) || !isCount(first) || !isCount(count)) return undefined;
  if (typeof time !== 'number' || !isHash(root) || !isHash(prev) || typeof sig !== 'string') return undefined;
  // The last character of a base64url signature has spare bits: only one spelling may count.
  if (Buffer.from(sig, 'base64url').toString('base64url') !== sig) return undefined;
  const parsed = { batch, first, count, time, root, prev, sig };
  return line.equals(Buffer.from(JSON.stringify(parsed))) ? parsed : undefined;
}

export function isSigned(batch: BatchLine, publicKey: KeyObject): boolean {
  return verify(null, signedBytes(batch), publicKey, Buffer.from(batch.sig, 'base64url'));
}

/** Hex Merkle tree hash of entry lines. */
export function rootOf(lines: readonly Uint8Array[]): string {
  return Buffer.from(merkleRoot(lines.map(leafHash))).toString('hex');
}

export function lineHash(line: Uint8Array): string {
  return sha256(line).toString('hex');
}

/** Undefined when the text is no Ed25519 public key. */
export function publicKeyFrom(text: string): KeyObject | undefined {
  try {
    const der = Buffer.from(text, 'base64url');
    if (der.toString('base64url') !== text) return undefined;
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

export function publicKeyText(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ format: 'der', type: 'spki' }).toString('base64url');
}

/** Complete lines of a buffer, without their newlines; what follows the last newline is left out. */
export function splitLines(data: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, start)) {
    lines.push(data.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

function parseObject(line: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && HEX_HASH.test(value);
}
