import { MessageChannel, Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { ReadReport } from '../read/report.js';
import { receiveFeed, sendFeed } from './port.js';
import { noNames, type PackedRows } from './rows.js';

const batch = (bytesRead: number): PackedRows => ({
  ...{ file: 'f', count: 0, numbers: new Float64Array(8), objects: new Int32Array(2) },
  ...{ restart: false, fresh: noNames(), bytesRead },
});

/** Takes what a worker that runs this script sends. */
async function takeFrom(script: string): Promise<number[]> {
  const taken: number[] = [];
  for await (const { bytesRead } of receiveFeed(new Worker(script, { eval: true })).batches)
    taken.push(bytesRead);
  return taken;
}

const post = (message: object) =>
  `require('node:worker_threads').parentPort.postMessage(${JSON.stringify(message)});`;

describe('a feed from another thread', () => {
  it('comes in order, and with the report at its end', async () => {
    const report = { bytes: 9, bad: 3 };
    const script = [1, 2, 3].map((n) => post({ kind: 'rows', rows: { bytesRead: n } })).join('');
    const feed = receiveFeed(new Worker(`${script}${post({ kind: 'end', report })}`, { eval: true }));
    const taken: number[] = [];
    for await (const { bytesRead } of feed.batches) taken.push(bytesRead);
    expect(taken).toEqual([1, 2, 3]);
    expect(feed.report).toMatchObject(report);
    expect(() => feed.report.refuse('f', 1, 'why')).not.toThrow();
  });

  it('fails with a reason when the worker fails, breaks or ends before its end', async () => {
    await expect(takeFrom(post({ kind: 'failed', problem: 'x is no log.' }))).rejects.toThrow('x is no log.');
    await expect(takeFrom('throw new Error("odd")')).rejects.toThrow('Reading broke off: odd.');
    await expect(takeFrom('process.exit(3)')).rejects.toThrow('Reading broke off (exit 3).');
    await expect(takeFrom('')).rejects.toThrow('Reading broke off (exit 0).');
  });

  it('ends the worker when nobody takes more', async () => {
    const script = `${post({ kind: 'rows', rows: { bytesRead: 1 } })} setInterval(() => 0, 1000);`;
    const worker = new Worker(script, { eval: true });
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    for await (const _ of receiveFeed(worker).batches) break;
    await ended;
  });

  it('is not sent faster than it is taken', async () => {
    const { port1, port2 } = new MessageChannel();
    let sent = 0;
    async function* batches() {
      for (; sent < 200; sent++) yield batch(sent);
    }
    const got: { kind: string }[] = [];
    port2.on('message', (message) => got.push(message));
    const sending = sendFeed(port1, async () => ({ batches: batches(), report: new ReadReport() }));
    const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
    await pause();
    const ahead = got.length;
    expect(ahead).toBeLessThan(100);
    await pause();
    expect(got).toHaveLength(ahead);
    port2.postMessage('taken');
    await pause();
    expect(got).toHaveLength(ahead + 1);
    for (let n = 0; n < 200; n++) port2.postMessage('taken');
    await sending;
    await pause();
    expect(got).toHaveLength(201);
    expect(got.at(-1)).toMatchObject({ kind: 'end' });
    port1.close();
  });
});
