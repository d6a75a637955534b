import { z } from 'zod';

/** What device agents and the directory say to each other. Both sides read it with this; every size is bounded. */

const id = z.string().regex(/^[0-9a-f]{24}$/);
const text = z.string().max(300);
const time = z.iso.datetime();

export const ROWS_MAX = 500;
export const OUTPUT_CHARACTERS_MAX = 64 * 1024;
export const WAIT_MS_MAX = 60_000;
export const ORDERS_MAX = 50;

const cell = z.union([z.string().max(4_096), z.number(), z.boolean()]);
const row = z.record(z.string().max(100), cell);

/** Tables have the names and columns of System Insights. */
export const inventorySchema = z.object({
  ...{ hostname: text.min(1), os: text, osFamily: text, version: text, arch: text, agentVersion: text },
  serialNumber: text,
  tables: z.record(z.string().regex(/^[a-z_]{1,60}$/), z.array(row).max(ROWS_MAX)),
});
export type Inventory = z.infer<typeof inventorySchema>;

export const enrolmentSchema = z.object({ publicKey: z.string().max(2_000), inventory: inventorySchema });
export const enrolledSchema = z.object({ systemId: id });

export const policyStatusSchema = z.object({
  policyId: id,
  success: z.boolean(),
  detail: z.string().max(2_000),
  ...{ startedAt: time, endedAt: time },
});
export type PolicyStatus = z.infer<typeof policyStatusSchema>;

export const checkInSchema = z.object({
  waitMs: z.int().min(0).max(WAIT_MS_MAX),
  locked: z.boolean(),
  /** Runs that it has and has not reported yet; they are not handed out again. */
  holding: z.array(id).max(1_000),
  bootedAt: time,
  policies: z.array(policyStatusSchema).max(100),
  inventory: inventorySchema.optional(),
});
export type CheckIn = z.infer<typeof checkInSchema>;

const actionSchema = z.enum(['command', 'erase', 'lock', 'unlock', 'restart', 'shutdown']);
export type Action = z.infer<typeof actionSchema>;

const orderSchema = z.object({
  id,
  action: actionSchema,
  command: z.string().max(64_000),
  timeoutMs: z.int().min(1).max(3_600_000),
});
/** One run for one device; the same `id` is never another run. */
export type Order = z.infer<typeof orderSchema>;

const policySchema = z.object({
  id,
  template: z.string().max(200),
  values: z.record(z.string().max(200), z.json()),
});
export type Policy = z.infer<typeof policySchema>;

export const checkedInSchema = z.object({
  orders: z.array(orderSchema).max(ORDERS_MAX),
  policies: z.array(policySchema).max(100),
});
export type CheckedIn = z.infer<typeof checkedInSchema>;

export const runResultSchema = z.object({
  id,
  exitCode: z.int().min(0).max(255),
  output: z.string().max(OUTPUT_CHARACTERS_MAX),
  error: z.string().max(OUTPUT_CHARACTERS_MAX),
  ...{ startedAt: time, endedAt: time },
});
export type RunResult = z.infer<typeof runResultSchema>;

/** Names of the policies that agents know how to keep. */
export const POLICY_TEMPLATES = [
  'agent_required_file',
  'agent_forbidden_names',
  'agent_sandbox_size',
] as const;

/** Commands that were not run, or not to their end: as shells and timeout(1) say it. */
export const EXIT = { timedOut: 124, refused: 126, notFound: 127, interrupted: 137 } as const;
