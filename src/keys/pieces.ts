import { setImmediate } from 'node:timers/promises';
import type { KeyRecord } from '../core/key.js';
import type { KeyStore } from '../engine/ports.js';

/** Keys read from the store at a time. */
export const PIECE = 1_000;

/** All keys in the order of ids, some at a time: between two pieces requests have their turn. */
export async function* keyPieces(store: Pick<KeyStore, 'keys'>): AsyncGenerator<KeyRecord[]> {
  let after: string | undefined;
  for (;;) {
    const piece = store.keys({ after, limit: PIECE });
    if (piece.length > 0) yield piece;
    if (piece.length < PIECE) return;
    after = piece.at(-1)?.id;
    await setImmediate();
  }
}
