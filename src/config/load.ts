import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Document, isCollection, isPair, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import type { z } from 'zod';
import { validateLocationRules } from '../core/location.js';
import { parseCidr } from '../wire/cidr.js';
import { noticeProblems, resolveNotices } from './notices-load.js';
import { type Config, configSchema } from './schema.js';

/** One thing wrong with a configuration, and where. */
export interface ConfigProblem {
  readonly file: string;
  readonly line: number;
  /** `upstreams[0].url`; empty for the file as a whole. */
  readonly field: string;
  readonly message: string;
}

/** All that is wrong with a configuration, at once. */
export class ConfigFault extends Error {
  override readonly name = 'ConfigFault';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(
      problems
        .map((p) => `${p.file}:${p.line}: ${p.field === '' ? '' : `${p.field}: `}${p.message}`)
        .join('\n'),
    );
    this.problems = problems;
  }
}

/**
 * Reads and validates a YAML configuration; relative paths in it count from its own folder.
 * @throws ConfigFault with every problem, each with file, line and field.
 */
export function loadConfig(file: string, running?: Config): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new ConfigFault([
      { file, line: 1, field: '', message: `cannot be read (${code}); name the file with --config` },
    ]);
  }
  return parseConfig(text, file, running);
}

/** @param running the configuration in force: what cannot change while the guard runs must then be the same */
export function parseConfig(text: string, file: string, running?: Config): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    throw new ConfigFault(
      document.errors.map((error) => ({
        file,
        line: lines.linePos(error.pos[0]).line,
        field: '',
        message: (error.message.split('\n')[0] as string).replace(/ at line \d+, column \d+:$/, ''),
      })),
    );
  }
  const result = configSchema.safeParse(document.toJS({ maxAliasCount: 100 }) ?? {});
  if (!result.success) {
    throw new ConfigFault(
      result.error.issues.flatMap(unfolded).map(({ path: at, message }) => ({
        file,
        line: lineOf(document, at, lines),
        field: fieldText(at),
        message,
      })),
    );
  }
  const config = resolvePaths(result.data, path.dirname(path.resolve(file)));
  const problems = [
    ...semanticProblems(config),
    ...(running === undefined ? [] : fixedProblems(config, running)),
  ];
  if (problems.length > 0) {
    throw new ConfigFault(
      problems.map(({ path: at, message }) => ({
        file,
        line: lineOf(document, at, lines),
        field: fieldText(at),
        message,
      })),
    );
  }
  return config;
}

type FieldPath = readonly PropertyKey[];

/** One problem for each field that does not exist, at that field. */
function unfolded(issue: z.core.$ZodIssue): { path: FieldPath; message: string }[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, message: issue.message }];
  return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'there is no such field' }));
}

/** Opened once, at the start. */
const FIXED = [
  'dataDir',
  'secrets',
  'journal',
  'admin',
  'gateways',
  'notices',
  'containment',
  'leaks',
] as const;

function fixedProblems(config: Config, running: Config): { path: FieldPath; message: string }[] {
  return FIXED.filter((field) => !isDeepStrictEqual(config[field], running[field])).map((field) => ({
    path: [field],
    message: 'cannot change while the guard runs; restart it',
  }));
}

/** What the schema cannot say: names that must differ or must match. */
function semanticProblems(config: Config): { path: FieldPath; message: string }[] {
  const problems: { path: FieldPath; message: string }[] = [];
  const names = new Set<string>();
  config.trustedProxies.forEach((text, at) => {
    const cidr = parseCidr(text);
    if (!cidr.ok) problems.push({ path: ['trustedProxies', at], message: cidr.problem });
  });
  config.upstreams.forEach((upstream, at) => {
    if (names.has(upstream.name))
      problems.push({ path: ['upstreams', at, 'name'], message: `${upstream.name} is used twice` });
    names.add(upstream.name);
    for (const message of upstream.locations === undefined ? [] : validateLocationRules(upstream.locations)) {
      problems.push({ path: ['upstreams', at, 'locations'], message });
    }
    if (upstream.catalog !== undefined && upstream.openapi !== undefined)
      problems.push({
        path: ['upstreams', at, 'openapi'],
        message: 'stands beside catalog; give one of them',
      });
    if (upstream.tls !== undefined && !upstream.url.startsWith('https:')) {
      problems.push({ path: ['upstreams', at, 'tls'], message: 'is given, but the url begins with http:' });
    }
  });
  if (config.admin.tls === undefined && !isLoopback(config.admin.host)) {
    problems.push({
      path: ['admin', 'host'],
      message: `${config.admin.host} can be reached from other machines: give admin.tls, or use 127.0.0.1`,
    });
  }
  const { leaseMs, renewMs } = config.gateways;
  if (renewMs * 3 > leaseMs)
    problems.push({ path: ['gateways', 'renewMs'], message: 'must be a third of leaseMs or less' });
  config.listeners.forEach((listener, at) => {
    if (listener.proxyProtocol === 'require' && config.trustedProxies.length === 0) {
      problems.push({
        path: ['listeners', at, 'proxyProtocol'],
        message: 'needs trustedProxies: nobody else may send the header',
      });
    }
  });
  return [...problems, ...noticeProblems(config.notices, isLoopback)];
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Line of the deepest node that exists on the way to a field. */
function lineOf(document: Document.Parsed<ParsedNode>, at: FieldPath, lines: LineCounter): number {
  for (let depth = at.length; depth > 0; depth -= 1) {
    const parent = document.getIn(at.slice(0, depth - 1), true);
    if (isCollection(parent)) {
      const item = parent.items.find((each) => isPair(each) && String(each.key) === String(at[depth - 1]));
      const key = isPair(item) ? (item.key as { range?: [number, number, number] | null }) : undefined;
      if (key?.range) return lines.linePos(key.range[0]).line;
    }
    const node = document.getIn(at.slice(0, depth), true) as
      | { range?: [number, number, number] | null }
      | undefined;
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function fieldText(at: FieldPath): string {
  return at
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

function resolvePaths(config: Config, base: string): Config {
  const at = (file: string) => path.resolve(base, file);
  const optional = (file: string | undefined) => (file === undefined ? undefined : at(file));
  const secret = <T extends object>(source: T | undefined): T | undefined =>
    source !== undefined && 'file' in source ? { ...source, file: at(source.file as string) } : source;
  return {
    ...config,
    dataDir: at(config.dataDir),
    listeners: config.listeners.map((listener) => ({
      ...listener,
      tls: listener.tls && {
        ...listener.tls,
        cert: at(listener.tls.cert),
        key: at(listener.tls.key),
        clientCa: optional(listener.tls.clientCa),
      },
    })),
    upstreams: config.upstreams.map((upstream) => ({
      ...upstream,
      // A word is a built-in catalog, anything that looks like a path a file.
      catalog:
        upstream.catalog && (/[./\\]/.test(upstream.catalog) ? at(upstream.catalog) : upstream.catalog),
      openapi: optional(upstream.openapi),
      tls: upstream.tls && {
        ...upstream.tls,
        ca: optional(upstream.tls.ca),
        cert: optional(upstream.tls.cert),
        key: optional(upstream.tls.key),
      },
    })),
    gateways: {
      ...config.gateways,
      socket: optional(config.gateways.socket),
    },
    admin: {
      ...config.admin,
      tls: config.admin.tls && { cert: at(config.admin.tls.cert), key: at(config.admin.tls.key) },
    },
    secrets: {
      pepper: secret(config.secrets.pepper),
      masterKey: secret(config.secrets.masterKey),
      previousMasterKey: secret(config.secrets.previousMasterKey),
      journalKey: secret(config.secrets.journalKey),
      eventKey: secret(config.secrets.eventKey),
    },
    notices: resolveNotices(config.notices, { at, optional, secret }),
    geo: {
      countryFile: optional(config.geo.countryFile),
      asnMmdb: optional(config.geo.asnMmdb),
      lists: Object.fromEntries(
        Object.entries(config.geo.lists).map(([kind, file]) => [kind, at(file as string)]),
      ),
    },
  };
}
