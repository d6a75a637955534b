import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from './byte-reader.js';
import { gunzipped } from './gunzip.js';

/** What comes out of gzip data that comes in pieces, and the fault that ends it. */
async function unzip(zipped: Buffer, sizes: readonly number[]) {
  async function* pieces() {
    for (let at = 0, n = 0; at < zipped.length; n++) {
      const size = sizes[n % sizes.length] as number;
      yield zipped.subarray(at, at + size);
      at += size;
    }
  }
  const parts: Buffer[] = [];
  let fault = '';
  try {
    for await (const part of gunzipped(new ByteReader(pieces()))) parts.push(part);
  } catch (error) {
    fault = (error as Error).message;
  }
  return { text: Buffer.concat(parts), fault };
}

const sizes = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 5 });
const content = fc
  .tuple(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 300 }))
  .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes)));

describe('gunzipped', () => {
  it('gives what members hold, however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(content, { minLength: 1, maxLength: 4 }),
        sizes,
        fc.nat({ max: 600 }),
        async (all, cuts, zeros) => {
          const zipped = Buffer.concat([...all.map((each) => gzipSync(each)), Buffer.alloc(zeros)]);
          expect(await unzip(zipped, cuts)).toEqual({ text: Buffer.concat(all), fault: '' });
        },
      ),
      { numRuns: 50 },
    );
  });

  it('gives all of what came before garbage and wrong checksums', async () => {
    await fc.assert(
      fc.asyncProperty(content, sizes, fc.nat({ max: 7 }), async (each, cuts, at) => {
        const zipped = gzipSync(each);
        const garbage = await unzip(Buffer.concat([zipped, Buffer.from('garbage')]), cuts);
        expect(garbage).toMatchObject({ text: each, fault: expect.stringContaining('no gzip') });
        const wrong = Buffer.from(zipped);
        wrong[wrong.length - 1 - at] = (wrong[wrong.length - 1 - at] as number) ^ 1;
        expect(await unzip(wrong, cuts)).toMatchObject({
          text: each,
          fault: expect.stringContaining('checksum'),
        });
        for (const end of [zipped.length - 1, zipped.length - 8])
          expect(await unzip(zipped.subarray(0, end), cuts)).toMatchObject({
            text: each,
            fault: expect.stringContaining('too early'),
          });
      }),
      { numRuns: 50 },
    );
  });

  it('never throws anything else, whatever is damaged', async () => {
    const text = Buffer.from('{"some":"text"}\n'.repeat(500));
    const zipped = gzipSync(text, { level: 1 });
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: zipped.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        sizes,
        async (at, bits, cuts) => {
          const damaged = Buffer.from(zipped);
          damaged[at] = (damaged[at] as number) ^ bits;
          const found = await unzip(damaged, cuts);
          // Some bits make no difference: those of the time, or of a repetition of the same.
          if (found.fault === '') expect(found.text).toEqual(text);
          else expect(found.fault).toMatch(/gzip/);
        },
      ),
    );
  });

  it('gives what came before a flipped byte, but for what one piece holds', async () => {
    const lines = Array.from({ length: 40_000 }, (_, n) => `{"n":${n},"x":"${(n * 7919) % 10_007}"}\n`).join(
      '',
    );
    const zipped = gzipSync(lines);
    const at = zipped.length >> 1;
    zipped[at] = (zipped[at] as number) ^ 0xff;
    const { text, fault } = await unzip(zipped, [65_536]);
    expect(fault).toContain('damaged');
    const before = gunzipSync(zipped.subarray(0, at), { finishFlush: 2 }).length;
    expect(text.length).toBeGreaterThan(before - 16 * 1024);
  });
});
