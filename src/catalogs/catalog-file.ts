import { z } from 'zod';
import type { CatalogOperation } from './match.js';

/** A catalog that cannot be used: says what is wrong and where. */
export class CatalogFault extends Error {
  override readonly name = 'CatalogFault';
}

/** A catalog as it stands in a file; the format is described in docs/catalogs.md. */
export interface CatalogFile {
  readonly name: string;
  readonly title?: string;
  readonly origin?: string;
  readonly licence?: string;
  /** Prefixes under which the same paths are served as well, such as `/api/v3` of GitHub Enterprise. */
  readonly alsoUnder?: readonly string[];
  readonly operations: readonly CatalogOperation[];
}

const privilege = z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4)]);
const path = z.string().startsWith('/').max(512);

const operation = z
  .strictObject({
    name: z.string().min(1).max(200),
    method: z
      .string()
      .regex(/^[A-Z]{1,20}$/, 'must be a method in capitals')
      .optional(),
    path: path.optional(),
    privilege,
    reason: z.string().max(300).optional(),
    escalate: z.strictObject({ fields: z.array(z.string().min(1)).min(1).max(100), privilege }).optional(),
  })
  .refine(
    (each) => (each.method === undefined) === (each.path === undefined),
    'needs both method and path, or neither',
  )
  .refine(
    (each) => !/\{[^{}]*\+\}(?!$)/.test(each.path ?? ''),
    'has a parameter for the rest of the path that does not stand at its end',
  );

const catalogFile = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  title: z.string().optional(),
  origin: z.string().optional(),
  licence: z.string().optional(),
  alsoUnder: z.array(path).max(16).optional(),
  operations: z.array(operation).min(1).max(20_000),
});

const PROBLEMS_SHOWN_MAX = 20;

/**
 * @param place the file, for messages
 * @throws CatalogFault with every place (at most 20) and what is wrong there
 */
export function readCatalogFile(document: unknown, place: string): CatalogFile {
  const result = catalogFile.safeParse(document);
  const problems = result.success
    ? duplicates(result.data.operations as readonly CatalogOperation[])
    : result.error.issues.map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.message}`);
  if (problems.length > 0) {
    throw new CatalogFault(
      problems
        .slice(0, PROBLEMS_SHOWN_MAX)
        .map((problem) => `${place}: ${problem}`)
        .join('\n'),
    );
  }
  return result.data as CatalogFile;
}

/** Two operations with one name, or one place for two. */
function duplicates(operations: readonly CatalogOperation[]): string[] {
  const seen = new Map<string, number>();
  return operations.flatMap(({ name, method, path }, at) => {
    const keys = [`the name ${name}`];
    if (path !== undefined) keys.push(`${method} ${path.replace(/\{[^{}+]*\}/g, '{}').toLowerCase()}`);
    return keys.flatMap((key) => {
      const before = seen.get(key);
      if (before === undefined) seen.set(key, at);
      return before === undefined ? [] : [`operations.${at}: ${key} stands at operations.${before} already`];
    });
  });
}
