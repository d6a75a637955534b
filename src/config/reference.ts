import { z } from 'zod';
import { configSchema } from './schema.js';

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** JSON Schema (2020-12) of the configuration file, for editors. */
export function configJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: 'input' });
  return { $schema, title: 'Keyward configuration', ...schema };
}

/** Pages of the repository that `npm run docs` writes, by path. */
export function generatedPages(): Record<string, string> {
  return {
    'docs/configuration.md': configReference(),
    'docs/keyward.schema.json': `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
  };
}

/** The configuration reference, one table row a field, as Markdown. */
function configReference(): string {
  const rows = fieldsOf(configJsonSchema() as JsonSchema, '');
  return `# Configuration

Generated from the schema by \`npm run docs\`; \`keyward config schema\` prints the same schema for editors, and
\`keyward config validate FILE\` checks a file. Relative paths count from the folder of the file. \`SIGHUP\` or
\`keyward config reload\` puts a changed file in force without dropping a connection, whole or not at all;
\`dataDir\`, \`secrets\`, \`journal\`, \`admin\`, \`gateways\`, \`notices\`, \`containment\` and \`leaks\` need a restart.

For completion in editors, begin the file with \`# yaml-language-server: $schema=./keyward.schema.json\`.

| field | type | default | meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}

function fieldsOf(schema: JsonSchema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const at = `${prefix}${name}`;
    const required = schema.required?.includes(name) === true && field.default === undefined;
    const nested = nestedOf(field, at);
    const shown = field.default === undefined || isEmptyObject(field.default) ? '' : code(field.default);
    const row = `| \`${at}\` | ${typeOf(field)} | ${required ? '**required**' : shown} | ${field.description ?? ''} |`;
    return [row, ...nested];
  });
}

function nestedOf(field: JsonSchema, at: string): string[] {
  if (field.properties !== undefined) return fieldsOf(field, `${at}.`);
  if (field.items?.properties !== undefined) return fieldsOf(field.items, `${at}[].`);
  return [];
}

function isEmptyObject(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
  );
}

function code(value: unknown): string {
  return `\`${(typeof value === 'string' ? value : JSON.stringify(value)).replaceAll('|', '\\|')}\``;
}

function typeOf(field: JsonSchema): string {
  if (field.const !== undefined) return code(field.const);
  if (field.enum !== undefined) return field.enum.map(code).join(', ');
  if (field.anyOf !== undefined) return field.anyOf.map(typeOf).join(' or ');
  const [first] = field.prefixItems ?? [];
  // Our tuples are of one type.
  if (first !== undefined) return `list of ${field.prefixItems?.length}: ${typeOf(first)}`;
  if (field.type === 'array') return `list of ${field.items === undefined ? 'values' : typeOf(field.items)}`;
  if (field.type === 'object') {
    if (field.properties === undefined) {
      return typeof field.additionalProperties === 'object'
        ? `map to ${typeOf(field.additionalProperties)}`
        : 'map';
    }
    const names = Object.entries(field.properties).map(([name, each]) =>
      each.const === undefined ? name : `${name}: ${String(each.const)}`,
    );
    return names.length <= 3 ? code(`{ ${names.join(', ')} }`) : 'object';
  }
  return field.type ?? 'any';
}
