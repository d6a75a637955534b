import { parseTarget } from '../wire/request-target.js';
import type { OperationRules, TimeWindow, Weekday } from './key.js';
import type { Observation, Operation, Privilege } from './observation.js';
import { compilePath, holds, type PathTemplate, pathFault, readTemplate } from './path-pattern.js';
import { deny, type Verdict } from './verdict.js';

/** Operation rules made ready: each pattern is a name, a name with `*`, or `METHOD /template`, where the
 * method may be `*`. */
export interface CompiledOperations {
  readonly allow: readonly OperationPattern[];
  readonly deny: readonly OperationPattern[];
  readonly privilegeMax: Privilege | undefined;
}

/** @param segments of the path, worked out when a rule asks for them */
type OperationPattern = (operation: Operation, segments: () => readonly string[]) => boolean;

/** Returns undefined where nothing is limited. */
export function compileOperations(rules: OperationRules | undefined): CompiledOperations | undefined {
  if (rules === undefined) return undefined;
  return {
    allow: (rules.allow ?? []).map(compilePattern),
    deny: (rules.deny ?? []).map(compilePattern),
    privilegeMax: rules.privilegeMax,
  };
}

function compilePattern(pattern: string): OperationPattern {
  const space = pattern.indexOf(' ');
  if (space !== -1) return compileTemplate(pattern.slice(0, space).toUpperCase(), pattern.slice(space + 1));
  const lower = pattern.toLowerCase();
  if (!lower.includes('*')) return ({ name }) => name.toLowerCase() === lower;
  const parts = lower.split('*');
  return ({ name }) => holds(name.toLowerCase(), parts, 0);
}

/** Whether a rule matches some request for an operation of a catalog. */
export function mayMatch(pattern: string, operation: Operation): boolean {
  const space = pattern.indexOf(' ');
  if (space === -1) return compilePattern(pattern)(operation, () => []);
  const { method, path } = templateOf(operation);
  const fits = fitsMethod(pattern.slice(0, space).toUpperCase(), method);
  return fits && path !== undefined && compilePath(pattern.slice(space + 1)).mayCover(path);
}

/** A catalog's operation is held against its own template, too, so that `/users/me` is none of `/users/{id}`. */
function compileTemplate(method: string, path: string): OperationPattern {
  const pattern = compilePath(path);
  return (operation, segments) => {
    const known = templateOf(operation);
    if (!fitsMethod(method, known.method)) return false;
    return known.path === undefined ? pattern.fits(segments()) : pattern.covers(known.path, segments());
  };
}

const ANY = '*';

/** As catalogs have it: HEAD asks what GET asks. */
function fitsMethod(wanted: string, method: string): boolean {
  return wanted === ANY || wanted === method || (wanted === 'GET' && method === 'HEAD');
}

interface Template {
  readonly method: string;
  /** Undefined where no catalog knows the operation: its template is its method. */
  readonly path: PathTemplate | undefined;
}

/** Kept as long as the operation itself: no bound of its own. */
const templates = new WeakMap<Operation, Template>();

function templateOf(operation: Operation): Template {
  const known = templates.get(operation);
  if (known !== undefined) return known;
  const [method = '', path] = operation.template.split(' ');
  const template = {
    // Some servers take a method in any letter case.
    method: method.toUpperCase(),
    path: path === undefined ? undefined : readTemplate(path),
  };
  templates.set(operation, template);
  return template;
}

/** Why a rule can never match; undefined where it can. A rule that denies and never matches would allow. */
export function ruleFault(pattern: string): string | undefined {
  const space = pattern.indexOf(' ');
  if (space === -1) {
    if (pattern.startsWith('/')) return `begins with its method: GET ${pattern}, or * ${pattern} for all`;
    return NAME.test(pattern) ? undefined : 'is no name of an operation: it has blanks or control characters';
  }
  const method = pattern.slice(0, space);
  if (method !== ANY && !/^[A-Za-z-]+$/.test(method))
    return 'is neither a name nor METHOD /path/{template} with one blank between';
  return pathFault(pattern.slice(space + 1));
}

const NAME = /^[^\s\p{C}]+$/u;

export function checkOperation(
  rules: CompiledOperations,
  { operation, path }: Pick<Observation, 'operation' | 'path'>,
): Verdict | undefined {
  if (rules.privilegeMax !== undefined && operation.privilege > rules.privilegeMax) {
    return deny(
      'operation_denied',
      `${operation.name} has privilege ${operation.privilege}; this key may go up to ${rules.privilegeMax}.`,
    );
  }
  let read: readonly string[] | undefined;
  const segments = () => {
    read ??= segmentsOf(path);
    return read;
  };
  if (rules.deny.some((matches) => matches(operation, segments))) {
    return deny('operation_denied', `${operation.name} is denied to this key.`);
  }
  if (rules.allow.length > 0 && !rules.allow.some((matches) => matches(operation, segments))) {
    return deny('operation_denied', `${operation.name} is not among the operations allowed to this key.`);
  }
  return undefined;
}

function segmentsOf(path: string): readonly string[] {
  const target = parseTarget(path, 'forward');
  return target.kind === 'done' ? target.segments : [];
}

const WEEKDAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const ZONES_MAX = 64;

/** A time zone, with the local time of the minute that was asked for last: formatting costs microseconds. */
interface Zone {
  readonly format: Intl.DateTimeFormat;
  minuteMs: number;
  local: { readonly day: number; readonly minute: number };
}

const zones = new Map<string, Zone>();

function zoneOf(timeZone: string): Zone {
  const known = zones.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const zone = { format, minuteMs: Number.NaN, local: { day: 0, minute: 0 } };
  if (zones.size >= ZONES_MAX) zones.clear();
  zones.set(timeZone, zone);
  return zone;
}

/** Local weekday and minute of the day in a time zone. */
function localTime(timeMs: number, timeZone: string): { readonly day: number; readonly minute: number } {
  const zone = zoneOf(timeZone);
  const minuteMs = Math.floor(timeMs / 60_000);
  if (zone.minuteMs !== minuteMs) {
    const parts = zone.format.formatToParts(timeMs);
    const part = (type: string) => parts.find((each) => each.type === type)?.value ?? '';
    zone.minuteMs = minuteMs;
    zone.local = {
      day: WEEKDAYS.indexOf(part('weekday').toLowerCase() as Weekday),
      minute: Number(part('hour')) * 60 + Number(part('minute')),
    };
  }
  return zone.local;
}

function minuteOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
}

/** Whether `timeMs` lies in a window. A window that spans midnight belongs to the day on which it begins. */
export function inWindow(window: TimeWindow, timeMs: number): boolean {
  const { day, minute } = localTime(timeMs, window.timeZone ?? 'UTC');
  const from = minuteOf(window.from);
  const to = minuteOf(window.to);
  const onDay = (index: number) =>
    window.days === undefined || window.days.includes(WEEKDAYS[(index + 7) % 7] as Weekday);
  if (from < to) return onDay(day) && minute >= from && minute < to;
  return (onDay(day) && minute >= from) || (onDay(day - 1) && minute < to);
}

export function checkWindows(windows: readonly TimeWindow[], timeMs: number): Verdict | undefined {
  if (windows.length === 0 || windows.some((window) => inWindow(window, timeMs))) return undefined;
  const text = windows
    .map((w) => `${w.days?.join(',') ?? 'every day'} ${w.from}-${w.to} ${w.timeZone ?? 'UTC'}`)
    .join('; ');
  return deny('time_window', `This key may be used ${text}; not at ${new Date(timeMs).toISOString()}.`);
}
