import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Privilege } from '../core/observation.js';
import type { CatalogOperation } from './match.js';
import { privilegeOfMethod } from './privilege.js';

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

/** An OpenAPI file that cannot be used: names the file and the places. */
export class OpenApiFault extends Error {
  override readonly name = 'OpenApiFault';
}

/**
 * Operations of an OpenAPI 3 description, as JSON or YAML. Privilege is `x-keyward-privilege` where given,
 * else by method; `overrides` (name or pattern with `*`) win over both.
 * @throws OpenApiFault
 */
export function loadOpenApi(
  file: string,
  overrides: Readonly<Record<string, Privilege>> = {},
): CatalogOperation[] {
  let document: unknown;
  try {
    document = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new OpenApiFault(
      `${file}: cannot be read as YAML or JSON: ${(error as Error).message.split('\n')[0]}`,
    );
  }
  const result = description.safeParse(document);
  if (!result.success) {
    const places = result.error.issues
      .slice(0, 20)
      .map((issue) => `${file}: ${issue.path.join('.') || '(root)'}: ${issue.message}`);
    throw new OpenApiFault(places.join('\n'));
  }
  const base = basePath(result.data.servers?.[0]?.url);
  const operations: CatalogOperation[] = [];
  for (const [path, item] of Object.entries(result.data.paths)) {
    for (const method of METHODS) {
      const found = item[method];
      if (found === undefined) continue;
      const upper = method.toUpperCase();
      const name = found.operationId ?? `${upper} ${base}${path}`;
      operations.push({
        name,
        method: upper,
        path: base + path,
        privilege: overrideOf(name, overrides) ?? found['x-keyward-privilege'] ?? privilegeOfMethod(upper),
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

function overrideOf(name: string, overrides: Readonly<Record<string, Privilege>>): Privilege | undefined {
  if (overrides[name] !== undefined) return overrides[name];
  const pattern = Object.keys(overrides)
    .filter((each) => each.endsWith('*') && name.startsWith(each.slice(0, -1)))
    .sort((a, b) => b.length - a.length)[0];
  return pattern === undefined ? undefined : overrides[pattern];
}
