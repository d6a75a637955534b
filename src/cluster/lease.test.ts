import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GrantedLease, HeldLease } from './lease.js';

const LEASE_MS = 1_000;

const step = fc.record({
  afterMs: fc.integer({ min: 0, max: 700 }),
  what: fc.constantFrom('ask', 'receive', 'answered', 'change', 'acknowledge', 'reconnect'),
});

/** Both sides with messages in between that take as long as they like, on clocks that do not agree. */
class World {
  readonly held = new HeldLease();
  readonly granted = new GrantedLease(LEASE_MS);
  readonly #offsetMs: number;
  #nowMs = 0;
  #asked: number[] = [];
  #answers: number[] = [];
  #changes = 0;

  constructor(offsetMs: number) {
    this.#offsetMs = offsetMs;
  }

  take({ afterMs, what }: { afterMs: number; what: string }): void {
    this.#nowMs += afterMs;
    switch (what) {
      case 'ask':
        this.#asked.push(this.held.ask(this.#nowMs + this.#offsetMs));
        return;
      case 'receive': {
        const n = this.#asked.shift();
        if (n !== undefined && this.granted.renew(this.#nowMs)) this.#answers.push(n);
        return;
      }
      case 'answered': {
        const n = this.#answers.shift();
        if (n !== undefined) this.held.granted(n, LEASE_MS);
        return;
      }
      case 'change':
        this.#changes += 1;
        this.granted.told(this.#changes, this.#nowMs);
        return;
      case 'acknowledge':
        this.granted.acknowledged(this.#changes);
        return;
      case 'reconnect':
        this.held.forgetAsked();
        this.#asked = [];
        this.#answers = [];
    }
  }

  get agrees(): boolean {
    return !this.held.isValid(this.#nowMs + this.#offsetMs) || this.granted.isLive(this.#nowMs);
  }
}

describe('a lease', () => {
  it("never lasts longer in its holder's view than in the granter's, however slow messages are", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: -1_000_000, max: 1_000_000 }),
        (steps, offsetMs) => {
          const world = new World(offsetMs);
          for (const each of steps) {
            world.take(each);
            expect(world.agrees).toBe(true);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('is held from the question on, less a fifth, and only once for each question', () => {
    const held = new HeldLease();
    expect(held.isValid(0)).toBe(false);
    const n = held.ask(100);
    held.granted(n, LEASE_MS);
    expect(held.isValid(899)).toBe(true);
    expect(held.isValid(900)).toBe(false);
    held.granted(n, 60_000);
    held.granted(n + 1, 60_000);
    expect(held.isValid(900)).toBe(false);
  });

  it('is not renewed for one that owes an acknowledgement for half of it', () => {
    const granted = new GrantedLease(LEASE_MS);
    expect(granted.renew(0)).toBe(true);
    granted.told(1, 100);
    granted.told(2, 550);
    expect(granted.renew(600)).toBe(true);
    expect(granted.renew(601)).toBe(false);
    granted.acknowledged(1);
    expect(granted.renew(700)).toBe(true);
    expect(granted.isLive(1_699)).toBe(true);
    expect(granted.isLive(1_700)).toBe(false);
    granted.acknowledged(2);
    granted.giveBack();
    expect(granted.isLive(701)).toBe(false);
  });
});
