import { type Command, InvalidArgumentError } from 'commander';
import type { KeyLimits, LocationRule } from '../core/key.js';
import type { NetworkKind, Privilege } from '../core/observation.js';
import { gather, readDocument } from './input.js';

export interface LimitOptions {
  readonly limits?: string;
  readonly from?: LocationRule[];
  readonly notFrom?: LocationRule[];
  readonly operations?: string[];
  readonly privilegeMax?: Privilege;
  readonly rate?: { requests: number; seconds: number };
}

const KINDS = new Set(['hosting', 'residential', 'tor', 'vpn', 'private', 'unknown']);

/** `203.0.113.0/24`, `DE`, `AS3320` or `hosting`. */
function parsePlace(text: string): LocationRule {
  if (KINDS.has(text)) return { kind: text as NetworkKind };
  const asn = /^AS(\d{1,10})$/i.exec(text);
  if (asn !== null) return { asn: Number(asn[1]) };
  if (/^[A-Za-z]{2}$/.test(text)) return { country: text.toUpperCase() };
  if (/[.:]/.test(text)) return { cidr: text };
  throw new InvalidArgumentError(
    'Write a network (203.0.113.0/24), country (DE), AS3320, or a kind (hosting).',
  );
}

function parseRate(text: string): { requests: number; seconds: number } {
  const rate = /^(\d{1,9})\/(\d{1,5})s$/.exec(text);
  if (rate === null) throw new InvalidArgumentError('Write a rate like 100/60s.');
  return { requests: Number(rate[1]), seconds: Number(rate[2]) };
}

function parsePrivilege(text: string): Privilege {
  if (!/^[0-4]$/.test(text)) throw new InvalidArgumentError('Write a privilege from 0 to 4.');
  return Number(text) as Privilege;
}

const place = (text: string, before: LocationRule[] | undefined) => [...(before ?? []), parsePlace(text)];

/** Places, as options. */
export function placeOptions(command: Command): Command {
  return command
    .option('--from <place>', 'allowed place: network, country, AS number or kind; repeatable', place)
    .option('--not-from <place>', 'denied place; repeatable', place);
}

/** The limits people set most by options, all of them by a file. */
export function limitOptions(command: Command): Command {
  return placeOptions(command)
    .option('--limits <file>', 'limits as YAML or JSON; - reads standard input')
    .option(
      '--operations <pattern>',
      'allowed operation, by name, pattern or METHOD /path; repeatable',
      gather,
    )
    .option('--privilege-max <0-4>', 'highest privilege of an operation', parsePrivilege)
    .option('--rate <n/seconds>', 'requests in so many seconds, like 100/60s', parseRate);
}

/** Undefined where no option was given. */
export function limitsFrom(options: LimitOptions): KeyLimits | undefined {
  const { from, notFrom, operations, privilegeMax, rate } = options;
  const file = options.limits === undefined ? undefined : (readDocument(options.limits) as KeyLimits);
  const given = {
    ...(from === undefined && notFrom === undefined
      ? {}
      : { locations: { ...(from && { allow: from }), ...(notFrom && { deny: notFrom }) } }),
    ...(operations === undefined && privilegeMax === undefined
      ? {}
      : {
          operations: {
            ...(operations && { allow: operations }),
            ...(privilegeMax !== undefined && { privilegeMax }),
          },
        }),
    ...(rate === undefined ? {} : { rate }),
  };
  return file === undefined && Object.keys(given).length === 0 ? undefined : { ...file, ...given };
}
