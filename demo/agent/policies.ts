import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Policy, PolicyStatus } from '../agent-protocol.js';
import type { Sandbox } from './sandbox.js';

/** What a policy came to; a text where it does not hold. */
type Keep = (values: Policy['values'], sandbox: Sandbox) => Promise<{ holds: boolean; detail: string }>;

const requiredFile = z.object({ path: z.string().min(1).max(500), content: z.string().max(64 * 1024) });
const forbiddenNames = z.object({ names: z.array(z.string().min(1).max(200)).max(100) });
const sandboxSize = z.object({ bytesMax: z.number().int().min(0) });

const KEEPERS: Readonly<Record<string, Keep>> = {
  /** Writes the file where it is missing or different. */
  agent_required_file: async (values, sandbox) => {
    const { path: name, content } = requiredFile.parse(values);
    const file = await sandbox.inside(name);
    if (file === undefined || file === sandbox.folder)
      return { holds: false, detail: `${name} leads out of the sandbox` };
    const before = await readFile(file, 'utf8').catch(() => undefined);
    if (before === content) return { holds: true, detail: `${name} is as it must be` };
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
    return { holds: true, detail: `${name} was ${before === undefined ? 'written' : 'put right'}` };
  },
  /** Removes files of these names, wherever they lie. */
  agent_forbidden_names: async (values, sandbox) => {
    const names = new Set(forbiddenNames.parse(values).names);
    const found = (await sandbox.entries()).filter((file) => names.has(path.basename(file)));
    for (const file of found) await rm(file, { force: true });
    return { holds: true, detail: found.length === 0 ? 'none found' : `${found.length} removed` };
  },
  /** Reports; what to throw away is not for the agent to choose. */
  agent_sandbox_size: async (values, sandbox) => {
    const { bytesMax } = sandboxSize.parse(values);
    const bytes = await sandbox.bytes();
    return { holds: bytes <= bytesMax, detail: `${bytes} of ${bytesMax} bytes` };
  },
};

export async function keepPolicy({ id, template, values }: Policy, sandbox: Sandbox): Promise<PolicyStatus> {
  const startedAt = new Date().toISOString();
  const keep = Object.hasOwn(KEEPERS, template) ? KEEPERS[template] : undefined;
  const { holds, detail } = await (keep === undefined
    ? { holds: false, detail: 'this agent does not know the policy' }
    : keep(values, sandbox).catch((error: unknown) => ({
        holds: false,
        detail: error instanceof z.ZodError ? 'the values of the policy do not fit it' : String(error),
      })));
  const endedAt = new Date().toISOString();
  return { policyId: id, success: holds, detail: detail.slice(0, 2_000), startedAt, endedAt };
}
