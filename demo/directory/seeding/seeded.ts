import { createHash } from 'node:crypto';
import type { AccountKind } from '../identity/accounts.js';
import type { RoleName } from '../model.js';

export interface SeededKey {
  readonly organization: string;
  readonly name: string;
  readonly email: string;
  readonly role: RoleName;
  readonly apiKey: string;
}

/** Somebody who can log in on the pages, with the second factor where there is one. */
export interface SeededPassword {
  readonly organization: string;
  readonly kind: AccountKind;
  readonly email: string;
  readonly password: string;
  readonly totpSecret: string | null;
}

/** Start data. Anyone who knows the seed knows these keys: they are for a demo on one's own machine. */
export interface Seeded {
  readonly provider: { readonly id: string; readonly apiKey: string };
  readonly keys: readonly SeededKey[];
  /** What devices show to join, by organisation. */
  readonly connectKeys: Readonly<Record<string, string>>;
  readonly passwords: readonly SeededPassword[];
}

export function seededSecret(seed: number, name: string): string {
  return createHash('sha256').update(`demo key ${seed} ${name}`).digest('hex').slice(0, 40);
}
