import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { type BodyFields, bodyFieldsOf, NO_FIELDS } from '../catalogs/body-fields.js';
import { operationOfName, PathTemplates } from '../catalogs/learn.js';
import { BUILT_IN_CATALOGS, loadCatalog, readCatalog } from '../catalogs/load.js';
import { type Catalog, type CatalogOperation, fieldsIn } from '../catalogs/match.js';
import { objectsOf } from '../catalogs/objects.js';
import { privilegeOfName, privilegeOfPath } from '../catalogs/privilege.js';
import { parseTarget } from '../wire/request-target.js';
import { printFacts, printJson, printTable } from './output.js';

interface Output {
  readonly json?: boolean;
}

interface MatchOptions extends Output {
  readonly body?: string;
  readonly contentType: string;
}

/** What a request turned out to be, and why it has its privilege. */
interface Match {
  /** False where no catalog knows it: the name is a template as learned, the privilege a guess by its words. */
  readonly listed: boolean;
  readonly operation: string;
  readonly template?: string;
  readonly privilege: number;
  readonly reason: string;
  readonly objects?: readonly string[];
}

/** `keyward catalog`: reads the catalogs themselves, so it needs no running guard. */
export function catalogCommands(program: Command): void {
  const catalog = program
    .command('catalog')
    .description('operations of an API and what each may do: built in, or from a file');
  catalog
    .command('list')
    .description('list the built-in catalogs, with their operations by privilege')
    .option('--json', 'machine-readable output')
    .action((options: Output) => list(options));
  catalog
    .command('show <catalog>')
    .description('list the operations of a built-in catalog or file')
    .option('--privilege <n>', 'only those of this privilege, at worst', parsePrivilege)
    .option('--json', 'machine-readable output')
    .action((name: string, options: Output & { privilege?: number }) => show(name, options));
  catalog
    .command('match <catalog> <method> [path]')
    .description('say which operation a request is; or an operation name in place of method and path')
    .option('--body <file>', 'body of the request; - reads standard input; without it, the worst case')
    .option('--content-type <type>', 'content type of the body', 'application/json')
    .option('--json', 'machine-readable output')
    .action((name: string, method: string, path: string | undefined, options: MatchOptions) =>
      print(match(loadCatalog(name), method, path, options), options),
    );
}

function parsePrivilege(text: string): number {
  if (!/^[0-4]$/.test(text)) throw new InvalidArgumentError('Write a privilege from 0 to 4.');
  return Number(text);
}

const worstOf = ({ privilege, escalate }: CatalogOperation) =>
  Math.max(privilege, escalate?.privilege ?? privilege);

function list(options: Output): void {
  const catalogs = BUILT_IN_CATALOGS.map((each) => {
    const { name, title, origin, licence, operations } = readCatalog(each);
    const byPrivilege = [0, 1, 2, 3, 4].map(
      (privilege) => operations.filter((operation) => worstOf(operation) === privilege).length,
    );
    return { name, title, origin, licence, operations: operations.length, byPrivilege };
  });
  if (options.json) return printJson(catalogs);
  printTable(
    ['NAME', 'OPERATIONS', '0', '1', '2', '3', '4', 'LICENCE', 'WHAT'],
    catalogs.map(({ name, operations, byPrivilege, licence, title }) => [
      name,
      String(operations),
      ...byPrivilege.map(String),
      licence ?? '',
      title ?? '',
    ]),
    '',
  );
}

function show(name: string, options: Output & { privilege?: number }): void {
  const operations = readCatalog(name).operations.filter(
    (each) => options.privilege === undefined || worstOf(each) === options.privilege,
  );
  if (options.json) return printJson(operations);
  printTable(
    ['PRIVILEGE', 'NAME', 'METHOD', 'PATH', 'REASON'],
    operations.map((each) => [
      privilegeText(each),
      each.name,
      each.method ?? '',
      each.path ?? '',
      each.escalate === undefined
        ? (each.reason ?? '')
        : `${each.reason ?? ''} (${each.escalate.privilege} with ${each.escalate.fields.join(', ')})`,
    ]),
    'No operation has this privilege.',
  );
}

function privilegeText(operation: CatalogOperation): string {
  const worst = worstOf(operation);
  return worst === operation.privilege ? String(worst) : `${operation.privilege}-${worst}`;
}

function match(catalog: Catalog, method: string, path: string | undefined, options: MatchOptions): Match {
  if (path === undefined) return matchName(catalog, method);
  const target = parseTarget(path);
  if (target.kind === 'refused') throw new Error(`The guard would refuse ${path}: ${target.why}.`);
  const body = readBody(options);
  const upper = method.toUpperCase();
  const operation = catalog.match(upper, target.segments, body);
  const described = catalog.describe(operation);
  if (described === undefined) {
    const learned = new PathTemplates().templateOf(upper, target.segments);
    const { privilege, reason } = privilegeOfPath(upper, target.segments);
    return { listed: false, operation: learned.operation.name, privilege, reason, objects: learned.objects };
  }
  return {
    listed: true,
    operation: operation.name,
    template: operation.template,
    privilege: operation.privilege,
    reason: reasonOf(described, operation.privilege, body),
    objects: objectsOf(operation, target.segments),
  };
}

function matchName(catalog: Catalog, name: string): Match {
  const operation = catalog.byName(name);
  if (operation === undefined)
    return { listed: false, operation: operationOfName(name).name, ...privilegeOfName(name) };
  const described = catalog.describe(operation) as CatalogOperation;
  return {
    listed: true,
    operation: operation.name,
    ...(described.path !== undefined && { template: operation.template }),
    privilege: operation.privilege,
    reason: reasonOf(described, operation.privilege, undefined),
  };
}

function reasonOf(
  { privilege, reason = '', escalate }: CatalogOperation,
  judged: number,
  body: BodyFields | undefined,
): string {
  if (escalate === undefined || judged === privilege) return reason;
  const present = body === undefined ? [] : fieldsIn(body, escalate.fields);
  if (present.length > 0) return `${reason}; the body has ${present.join(', ')}`;
  const why = body?.kind === 'unknown' ? body.why : 'the body is not known';
  return `${reason}; worst case, because ${why}`;
}

function readBody({ body, contentType }: MatchOptions): BodyFields | undefined {
  if (body === undefined) return undefined;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(body === '-' ? 0 : body);
  } catch (error) {
    throw new Error(`${body} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  return bytes.length === 0 ? NO_FIELDS : bodyFieldsOf(bytes, { contentType });
}

function print(result: Match, options: Output): void {
  if (options.json) return printJson(result);
  printFacts([
    ['operation', result.operation],
    ['template', result.template],
    ['privilege', String(result.privilege)],
    [
      'reason',
      result.listed ? result.reason : `${result.reason} (by its words: the catalog does not list it)`,
    ],
    ['objects', result.objects?.join(', ') || undefined],
  ]);
}
