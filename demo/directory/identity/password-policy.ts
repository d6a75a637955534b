import { z } from 'zod';
import { badRequest } from '../failures.js';
import type { Organization } from '../model.js';
import { partOf } from './accounts.js';

const schema = z.object({
  minLength: z.int().min(8).max(64).default(10),
  needsLowercase: z.boolean().default(false),
  needsUppercase: z.boolean().default(false),
  needsNumeric: z.boolean().default(false),
  needsSymbolic: z.boolean().default(false),
  /** Earlier passwords that may not come back. */
  maxHistory: z.int().min(0).max(24).default(5),
  /** 0: never. */
  passwordExpirationInDays: z.int().min(0).max(3_650).default(0),
  maxLoginAttempts: z.int().min(1).max(1_000).default(10),
  lockoutTimeInSeconds: z.int().min(1).max(86_400).default(900),
});

export type PasswordPolicy = Readonly<z.output<typeof schema>>;

/** Long ones, not odd ones, as NIST SP 800-63B advises; an organisation may ask for more. */
export const POLICY_DEFAULT: PasswordPolicy = schema.parse({});

/** Of an organisation's `settings`. @throws {Failure} 400 */
export function readPolicy(settings: unknown): PasswordPolicy {
  const result = schema.safeParse(partOf(settings, 'passwordPolicy') ?? {});
  if (!result.success) throw badRequest(`Invalid passwordPolicy.${result.error.issues[0]?.path.join('.')}`);
  return result.data;
}

export function policyOf(organization: Organization | undefined): PasswordPolicy {
  const set = partOf(organization, 'settings', 'passwordPolicy');
  return set === undefined ? POLICY_DEFAULT : schema.parse(set);
}
