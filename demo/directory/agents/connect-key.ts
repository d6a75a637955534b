import { createHmac } from 'node:crypto';
import type { DirectoryStore } from '../store.js';

/** What a device shows to join an organisation: each has one, made from the store's own secret unless it was seeded. */
export function connectKeyOf(store: DirectoryStore, organization: string): string {
  const seeded = store.fact(`connect-key:${organization}`);
  const secret = store.fact('token-secret') ?? '';
  return seeded ?? createHmac('sha256', secret).update(`connect ${organization}`).digest('hex').slice(0, 40);
}
