import { z } from 'zod';
import type { Privilege } from '../core/observation.js';
import { CatalogFault } from './catalog-file.js';
import type { CatalogOperation } from './match.js';
import { privilegeOfPath } from './privilege.js';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;

const privilege = z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4)]);
const operation = z.looseObject({
  operationId: z.string().optional(),
  'x-keyward-privilege': privilege.optional(),
});
const description = z.looseObject({
  openapi: z.string().regex(/^3\.\d+\.\d+/, 'must be OpenAPI 3'),
  paths: z.record(
    z.string().startsWith('/'),
    z.looseObject(Object.fromEntries(METHODS.map((method) => [method, operation.optional()]))),
  ),
  servers: z.array(z.looseObject({ url: z.string() })).optional(),
});

/** Privilege by operation name, or by pattern with `*` at the end. */
export type PrivilegeOverrides = Readonly<Record<string, Privilege>>;

/**
 * Operations of an OpenAPI 3 description. Privilege is `x-keyward-privilege` where given, else it goes by
 * method and by the words of the path.
 * @param file for messages
 * @throws CatalogFault that names the file and the places
 */
export function readOpenApi(document: unknown, file: string): CatalogOperation[] {
  const result = description.safeParse(document);
  if (!result.success) {
    const places = result.error.issues
      .slice(0, 20)
      .map((issue) => `${file}: ${issue.path.join('.') || '(root)'}: ${issue.message}`);
    throw new CatalogFault(places.join('\n'));
  }
  const base = basePath(result.data.servers?.[0]?.url);
  const operations: CatalogOperation[] = [];
  for (const [path, item] of Object.entries(result.data.paths)) {
    for (const method of METHODS) {
      const found = item[method];
      if (found === undefined) continue;
      const upper = method.toUpperCase();
      const name = found.operationId ?? `${upper} ${base}${path}`;
      const template = base + path;
      const judged = privilegeOfPath(
        upper,
        template.split('/').filter((segment) => segment !== ''),
      );
      const given = found['x-keyward-privilege'];
      operations.push({
        name,
        method: upper,
        path: template,
        ...(given === undefined ? judged : { privilege: given, reason: 'x-keyward-privilege' }),
      });
    }
  }
  return operations;
}

/** Path of the first server URL: templates in the file are relative to it. */
function basePath(url: string | undefined): string {
  const path = /^(?:https?:\/\/[^/]+)?(\/.*?)?\/*$/.exec(url ?? '')?.[1];
  return path ?? '';
}

/** An exact name wins, then the longest pattern. */
export function overrideOf(name: string, overrides: PrivilegeOverrides): Privilege | undefined {
  if (Object.hasOwn(overrides, name)) return overrides[name];
  const pattern = Object.keys(overrides)
    .filter((each) => each.endsWith('*') && name.startsWith(each.slice(0, -1)))
    .sort((a, b) => b.length - a.length)[0];
  return pattern === undefined ? undefined : overrides[pattern];
}
