import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import type { Privilege } from '../core/observation.js';
import { CatalogFault, type CatalogFile, readCatalogFile } from './catalog-file.js';
import { Catalog, type CatalogOperation } from './match.js';
import { overrideOf, type PrivilegeOverrides, readOpenApi } from './openapi.js';

/** Catalogs that come with Keyward. */
export const BUILT_IN_CATALOGS = ['jumpcloud', 'github', 'okta', 'keycloak', 'aws'] as const;

/** Beside `src` and `dist`. */
const FOLDER = path.resolve(import.meta.dirname, '../../catalogs');

/**
 * A catalog by the name of a built-in one, or from a file: Keyward's own format or OpenAPI 3, as JSON or YAML.
 * @param overrides privilege by operation name, or by pattern with `*` at the end; wins over the catalog, and
 *   over what fields of the body would add
 * @throws CatalogFault
 */
export function loadCatalog(nameOrFile: string, overrides: PrivilegeOverrides = {}): Catalog {
  const { operations, alsoUnder } = readCatalog(nameOrFile);
  return new Catalog(
    operations.map((each) => overridden(each, overrideOf(each.name, overrides))),
    alsoUnder,
  );
}

/** The same, with its header, before any override. */
export function readCatalog(nameOrFile: string): CatalogFile {
  const file = isBuiltIn(nameOrFile) ? path.join(FOLDER, `${nameOrFile}.json`) : nameOrFile;
  const document = readDocument(file, nameOrFile);
  if (typeof document === 'object' && document !== null && 'operations' in document)
    return readCatalogFile(document, file);
  if (typeof document === 'object' && document !== null && ('openapi' in document || 'swagger' in document))
    return { name: path.parse(file).name, operations: readOpenApi(document, file) };
  throw new CatalogFault(
    `${file}: is no catalog: it has neither operations (Keyward's format) nor openapi (OpenAPI 3)`,
  );
}

function isBuiltIn(name: string): boolean {
  return (BUILT_IN_CATALOGS as readonly string[]).includes(name);
}

function readDocument(file: string, asked: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new CatalogFault(
      code === 'ENOENT' && !/[./\\]/.test(asked)
        ? `There is no catalog ${asked}; built in are ${BUILT_IN_CATALOGS.join(', ')}. A file is named with its path, like ./${asked}.json`
        : `${file}: cannot be read (${code})`,
    );
  }
  try {
    // YAML contains JSON, but its parser takes a hundred times as long.
    return text.trimStart().startsWith('{') ? parseJsonOrYaml(text) : parse(text);
  } catch (error) {
    throw new CatalogFault(
      `${file}: cannot be read as YAML or JSON: ${(error as Error).message.split('\n')[0]}`,
    );
  }
}

function parseJsonOrYaml(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parse(text);
  }
}

function overridden(operation: CatalogOperation, privilege: Privilege | undefined): CatalogOperation {
  if (privilege === undefined) return operation;
  const { escalate: _, ...rest } = operation;
  return { ...rest, privilege, reason: 'set by the operator' };
}
