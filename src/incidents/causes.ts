import { checkOperation, compileOperations } from '../core/scope.js';
import { forwards } from '../core/verdict.js';
import type { Outcome } from '../journal/entry.js';
import { listSegments } from '../journal/format.js';
import { readEntries } from '../journal/read.js';
import type { Cause } from './effects.js';

export interface CausesFound {
  readonly causes: readonly Cause[];
  /** From when on the journals tell everything; undefined where they hold no decision. */
  readonly coveredFromMs: number | undefined;
}

/**
 * Requests that can have had effects: forwarded, and not known to have failed or never to have left. One whose answer nobody
 * saw may have worked.
 * @param operations rules: names, or METHOD /template, which are held against the path as it was asked for
 */
export async function causesIn(
  journals: readonly string[],
  operations: readonly string[],
  sinceMs: number,
): Promise<CausesFound> {
  const wanted = compileOperations({ allow: [...operations] });
  const causes = new Map<string, Cause>();
  const begins: { timeMs: number; cut: boolean }[] = [];
  for (const dir of journals) {
    const timeMs = await firstTime(dir);
    if (timeMs === undefined) continue;
    begins.push({ timeMs, cut: (listSegments(dir)[0] ?? 1) > 1 });
    for await (const entry of readEntries(dir, { sinceMs })) {
      if (entry.kind === 'outcome' && failed(entry.outcome)) causes.delete(entry.request);
      if (entry.kind !== 'decision' || !forwards(entry)) continue;
      const { operation: name, method, path, privilege, outcome } = entry;
      // The journal has no templates: with its method for one, an operation is known by its path.
      const operation = { name, template: method, privilege };
      if (wanted !== undefined && checkOperation(wanted, { operation, path }) !== undefined) continue;
      if (outcome === undefined || !failed(outcome))
        causes.set(entry.request, { timeMs: entry.time, tenant: entry.tenant ?? '', request: entry.request });
    }
  }
  return { causes: [...causes.values()], coveredFromMs: coveredFrom(begins) };
}

async function firstTime(dir: string): Promise<number | undefined> {
  for await (const { time } of readEntries(dir)) return time;
  return undefined;
}

function failed({ status, unsent }: Outcome): boolean {
  return status >= 400 || unsent === true;
}

/** A journal that retention has cut tells everything from its first entry on; the others, since the guard began. */
function coveredFrom(begins: readonly { timeMs: number; cut: boolean }[]): number | undefined {
  if (begins.length === 0) return undefined;
  const cut = begins.filter(({ cut }) => cut).map(({ timeMs }) => timeMs);
  return cut.length > 0 ? Math.max(...cut) : Math.min(...begins.map(({ timeMs }) => timeMs));
}
