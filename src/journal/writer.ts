import type { Journal, JournalHealth, JournalTicket } from '../engine/ports.js';
import { Batch, type BatchOwner, Ticket } from './batch.js';
import type { JournalEntry } from './entry.js';
import { JournalFault, type JournalFaultCode } from './fault.js';
import { lockDirectory } from './lock.js';
import { type JournalOptions, type JournalSettings, withDefaults } from './options.js';
import type { SealedSegment } from './retention.js';
import type { SinkOpened, SinkOptions } from './segment-sink.js';
import { type SinkPort, type SinkReply, startSink } from './sink-port.js';

/** Opens a journal for writing: recovers it first, refuses when another process writes it. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const settings = withDefaults(options);
  const unlock = lockDirectory(settings.dir);
  const writer = new JournalWriter(settings, unlock);
  try {
    await writer.open();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  return writer;
}

/** Gathers entries into batches and hands them to the sink, one batch at a time (group commit). */
class JournalWriter implements Journal, BatchOwner {
  readonly #settings: JournalSettings;
  readonly #unlock: () => void;
  #port: SinkPort | undefined;
  #onOpened: { resolve: (opened: SinkOpened) => void; reject: (error: Error) => void } | undefined;
  /** Batches that are full; the last, open one is not among them. */
  readonly #waiting: Batch[] = [];
  #open: Batch;
  #inFlight: Batch | undefined;
  #inFlightCount = 0;
  #queued = 0;
  #nextSeq = 1;
  #batches = 0;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #fault: JournalFault | undefined;
  /** The batch of every entry that is lost while `#fault` stands. */
  #lostBatch: Batch | undefined;
  #lost = 0;
  /** Lost entries that no `journal_gap` entry tells of yet. */
  #gap = 0;
  /** The batch whose `journal_gap` entry tells of `#gapTold` lost entries. */
  #gapBatch: Batch | undefined;
  #gapTold = 0;
  #trimming = false;
  #closed = false;
  #onIdle: (() => void) | undefined;
  #onPortClosed: (() => void) | undefined;

  constructor(settings: JournalSettings, unlock: () => void) {
    this.#settings = settings;
    this.#unlock = unlock;
    this.#open = new Batch(this);
  }

  async open(): Promise<void> {
    const { cutBytes } = await this.#startSink();
    if (cutBytes > 0) this.#note('recovered', { cutBytes });
  }

  append(entry: JournalEntry): JournalTicket {
    if (this.#fault !== undefined) return this.#lose(entry);
    if (this.#queued >= this.#settings.queueEntriesMax) {
      this.#refuse('journal_queue_full', `The journal queue is full (${this.#queued} entries).`);
      return this.#lose(entry);
    }
    const batch = this.#open;
    if (batch.entries.push(entry) === 1) {
      batch.openedMs = this.#settings.now();
      if (this.#inFlight === undefined) this.#armTimer();
    }
    this.#queued += 1;
    if (batch.entries.length >= this.#settings.batchEntriesMax) this.#rollOpen();
    return new Ticket(batch, entry);
  }

  hurry(): void {
    if (this.#inFlight === undefined) this.#immediate ??= setImmediate(() => this.#pump(true));
  }

  health(): JournalHealth {
    const oldest = this.#inFlight ?? this.#waiting[0] ?? this.#open;
    return {
      ok: this.#fault === undefined,
      ...(this.#fault === undefined ? {} : { problem: this.#fault.message }),
      entries: this.#nextSeq - 1,
      batches: this.#batches,
      lagEntries: this.#queued,
      lagMs: this.#queued === 0 ? 0 : Math.max(0, this.#settings.now() - oldest.openedMs),
      lost: this.#lost,
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const fault = this.#fault;
    const unwritable = fault !== undefined && fault.code !== 'journal_queue_full';
    this.#refuse('journal_closed', 'The journal is closed.');
    clearTimeout(this.#retryTimer);
    if (!unwritable || this.#inFlight !== undefined) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
        this.#pump(true);
      });
    }
    await new Promise<void>((resolve) => {
      if (this.#port === undefined) return resolve();
      this.#onPortClosed = resolve;
      this.#port.send({ kind: 'close' });
    });
    await this.abandon();
  }

  /** Lets go of thread and lock, whatever is still queued. */
  async abandon(): Promise<void> {
    this.#closed = true;
    this.#disarm();
    clearTimeout(this.#retryTimer);
    await this.#dropPort();
    this.#unlock();
  }

  async #dropPort(): Promise<void> {
    const port = this.#port;
    this.#port = undefined;
    this.#onOpened = undefined;
    await port?.terminate();
  }

  #startSink(): Promise<SinkOpened> {
    const { dir, privateKey, segmentBytesMax, retention, worker } = this.#settings;
    const options: SinkOptions = { dir, privateKey, segmentBytesMax, retention };
    return new Promise((resolve, reject) => {
      this.#onOpened = { resolve, reject };
      this.#port = startSink(options, worker, (reply) => this.#onReply(reply));
    });
  }

  #onReply(reply: SinkReply): void {
    switch (reply.kind) {
      case 'opened':
        this.#nextSeq = reply.opened.nextSeq;
        this.#batches = reply.opened.batches;
        this.#onOpened?.resolve(reply.opened);
        this.#onOpened = undefined;
        break;
      case 'refused':
        this.#onOpened?.reject(new JournalFault(reply.code as JournalFaultCode, reply.problem));
        break;
      case 'written':
        this.#onWritten(reply.excess);
        break;
      case 'failed':
        this.#onFailed('journal_write_failed', reply.problem);
        break;
      case 'removed':
        this.#trimming = false;
        break;
      case 'closed':
        this.#onPortClosed?.();
        break;
      case 'stopped':
        this.#onStopped(reply.problem);
        break;
    }
  }

  #onStopped(problem: string): void {
    this.#port = undefined;
    this.#onPortClosed?.();
    if (this.#onOpened === undefined) this.#onFailed('journal_worker_stopped', problem);
    else this.#onOpened.reject(new JournalFault('journal_worker_stopped', problem));
  }

  #armTimer(): void {
    this.#timer ??= setTimeout(() => this.#pump(true), this.#settings.commitMs);
  }

  #rollOpen(): void {
    this.#waiting.push(this.#open);
    this.#open = new Batch(this);
    this.#pump(false);
  }

  /** Sends the next batch unless one is under way; the open one only when its time has come. */
  #pump(openToo: boolean): void {
    if (this.#inFlight !== undefined) return;
    let batch = this.#waiting.shift();
    if (batch === undefined && openToo && this.#open.entries.length > 0) {
      batch = this.#open;
      this.#open = new Batch(this);
    }
    if (batch !== undefined) {
      this.#send(batch);
      return;
    }
    this.#disarm();
    this.#onIdle?.();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
  }

  #send(batch: Batch): void {
    this.#disarm();
    this.#inFlight = batch;
    const first = this.#nextSeq;
    const count = batch.entries.length;
    this.#inFlightCount = count;
    const lines = batch.seal(first);
    this.#port?.send({ kind: 'batch', batch: { lines, first, count, time: this.#settings.now() } });
  }

  #onWritten(excess: readonly SealedSegment[]): void {
    const batch = this.#inFlight;
    if (batch === undefined) return;
    this.#inFlight = undefined;
    this.#nextSeq += this.#inFlightCount;
    this.#queued -= this.#inFlightCount;
    this.#batches += 1;
    batch.written();
    if (batch === this.#gapBatch) {
      this.#gap -= this.#gapTold;
      this.#gapBatch = undefined;
    }
    this.#accept();
    if (excess.length > 0) this.#trim(excess);
    if (this.#inFlight !== undefined) return;
    const { openedMs, urgent, entries } = this.#open;
    const due = urgent || this.#closed || this.#settings.now() - openedMs >= this.#settings.commitMs;
    if (!due && entries.length > 0 && this.#waiting.length === 0) this.#armTimer();
    else this.#pump(due);
  }

  /** Takes entries again after a fault, once what stood in the way is gone. */
  #accept(): void {
    if (this.#closed) return;
    const full = this.#fault?.code === 'journal_queue_full';
    if (full && this.#queued > this.#settings.queueEntriesMax / 2) return;
    this.#fault = undefined;
    this.#lostBatch = undefined;
    if (this.#gap === 0 || this.#gapBatch !== undefined) return;
    this.#gapTold = this.#gap;
    this.#gapBatch = this.#open;
    this.#note('journal_gap', { lost: this.#gap });
  }

  #onFailed(code: JournalFaultCode, problem: string): void {
    if (!this.#closed) this.#refuse(code, `The journal cannot be written: ${problem}`);
    const fault = new JournalFault(code, `The journal cannot be written: ${problem}`);
    const failed = [...(this.#inFlight ? [this.#inFlight] : []), ...this.#waiting, this.#open];
    // The entry that tells of a gap is not itself a lost one.
    const lost = this.#queued - (this.#gapBatch === undefined ? 0 : 1);
    this.#lost += lost;
    this.#gap += lost;
    this.#gapBatch = undefined;
    this.#queued = 0;
    this.#inFlight = undefined;
    this.#waiting.length = 0;
    this.#open = new Batch(this);
    this.#trimming = false;
    this.#disarm();
    for (const batch of failed) batch.fail(fault);
    if (this.#closed) this.#onIdle?.();
    else this.#retryTimer = setTimeout(() => void this.#retry(), this.#settings.retryMs);
  }

  /** Tries with the entry that tells of the gap; entries are taken again when it is on disk. */
  async #retry(): Promise<void> {
    if (this.#closed) return;
    if (this.#port === undefined) {
      try {
        await this.#startSink();
      } catch (error) {
        await this.#dropPort();
        if (!this.#closed) this.#onFailed('journal_worker_stopped', (error as Error).message);
        return;
      }
    }
    if (this.#closed) return;
    const batch = new Batch(this);
    batch.openedMs = this.#settings.now();
    batch.entries.push({
      kind: 'system',
      time: batch.openedMs,
      event: 'journal_gap',
      detail: { lost: this.#gap },
    });
    this.#gapTold = this.#gap;
    this.#gapBatch = batch;
    this.#queued = 1;
    this.#send(batch);
  }

  #trim(excess: readonly SealedSegment[]): void {
    if (this.#trimming || this.#closed) return;
    this.#trimming = true;
    const segments = excess.map(({ segment, lastBatch }) => ({ segment, lastBatch }));
    const ticket = this.#note('journal_trimmed', { segments });
    ticket.durable().then(
      () => this.#port?.send({ kind: 'remove', segments: segments.map(({ segment }) => segment) }),
      () => {
        this.#trimming = false;
      },
    );
  }

  #note(event: string, detail: Record<string, unknown>): JournalTicket {
    return this.append({ kind: 'system', time: this.#settings.now(), event, detail });
  }

  #refuse(code: JournalFaultCode, message: string): void {
    this.#fault = new JournalFault(code, message);
    this.#lostBatch = new Batch(this);
    this.#lostBatch.fail(this.#fault);
  }

  #lose(entry: JournalEntry): JournalTicket {
    this.#lost += 1;
    this.#gap += 1;
    return new Ticket(this.#lostBatch ?? this.#open, entry);
  }
}
