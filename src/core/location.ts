import { type Cidr, CidrSet, parseCidr } from '../wire/cidr.js';
import { type IpAddress, parseIp } from '../wire/ip-address.js';
import { COUNTRIES } from './countries.js';
import type { LocationRule, LocationRules } from './key.js';
import type { NetworkKind, Place } from './observation.js';

/** Rules made ready for the hot path. */
export interface CompiledLocations {
  readonly allow: CompiledRules | undefined;
  readonly deny: CompiledRules | undefined;
  /** Why the rules cannot be read. Such rules admit nobody: to skip one would widen the key. */
  readonly problem: string | undefined;
}

interface CompiledRules {
  readonly networks: CidrSet;
  readonly countries: ReadonlySet<string>;
  readonly asns: ReadonlySet<number>;
  readonly kinds: ReadonlySet<NetworkKind>;
}

/** One holder of location rules. */
export interface LocationLayer {
  readonly who: 'key' | 'tenant' | 'upstream';
  readonly rules: CompiledLocations | undefined;
}

export type LocationResult = { readonly allowed: true } | { readonly allowed: false; readonly text: string };

const ALLOWED: LocationResult = { allowed: true };
const ASN_MAX = 0xffffffff;
const KINDS: readonly NetworkKind[] = ['hosting', 'residential', 'tor', 'vpn', 'private', 'unknown'];

/** Returns undefined where nothing is limited. An empty list limits nothing. */
export function compileLocations(rules: LocationRules | undefined): CompiledLocations | undefined {
  if (rules === undefined) return undefined;
  const problem = validateLocationRules(rules)[0];
  if (problem !== undefined) return { allow: undefined, deny: undefined, problem };
  const allow = compileRules(rules.allow ?? []);
  const deny = compileRules(rules.deny ?? []);
  return allow === undefined && deny === undefined ? undefined : { allow, deny, problem };
}

function compileRules(rules: readonly LocationRule[]): CompiledRules | undefined {
  if (rules.length === 0) return undefined;
  const networks: Cidr[] = [];
  const countries = new Set<string>();
  const asns = new Set<number>();
  const kinds = new Set<NetworkKind>();
  for (const rule of rules) {
    if ('cidr' in rule) {
      const result = parseCidr(rule.cidr);
      if (result.ok) networks.push(result.cidr);
    } else if ('country' in rule) countries.add(rule.country);
    else if ('asn' in rule) asns.add(rule.asn);
    else kinds.add(rule.kind);
  }
  return { networks: new CidrSet(networks), countries, asns, kinds };
}

/**
 * The strictest layer wins: no deny rule of any layer may match, and each layer that has allow rules must have
 * one that matches. A fact that no database knows matches no rule.
 */
export function checkLocation(
  layers: readonly LocationLayer[],
  address: IpAddress | string,
  place: Place,
): LocationResult {
  for (const { who, rules } of layers) {
    if (rules?.problem !== undefined) {
      return refuse(
        address,
        place,
        `cannot be admitted: this ${who}'s location rules are not valid (${rules.problem})`,
      );
    }
    const denied = rules?.deny === undefined ? undefined : matchOf(rules.deny, address, place);
    if (denied !== undefined) return refuse(address, place, `is in this ${who}'s denied places (${denied})`);
  }
  for (const { who, rules } of layers) {
    if (rules?.allow !== undefined && matchOf(rules.allow, address, place) === undefined) {
      return refuse(address, place, `is not in this ${who}'s allowed places`);
    }
  }
  return ALLOWED;
}

function refuse(address: IpAddress | string, place: Place, why: string): LocationResult {
  return { allowed: false, text: `${describePlace(address, place)} ${why}` };
}

/** What about the place matches; undefined where nothing does. */
function matchOf(rules: CompiledRules, address: IpAddress | string, place: Place): string | undefined {
  if (rules.networks.has(address)) return 'by its address';
  if (place.country !== undefined && rules.countries.has(place.country)) return `country ${place.country}`;
  if (place.asn !== undefined && rules.asns.has(place.asn)) return `AS${place.asn}`;
  return rules.kinds.has(place.kind) ? `${place.kind} network` : undefined;
}

/** `203.0.113.9 (DE, AS3320 Deutsche Telekom AG, residential)`; what is not known is left out. */
export function describePlace(address: IpAddress | string, place: Place): string {
  const text = typeof address === 'string' ? address : address.text;
  const facts: string[] = [];
  if (place.country !== undefined) facts.push(place.country);
  const network = [place.asn === undefined ? undefined : `AS${place.asn}`, place.network];
  const named = network.filter((each) => each !== undefined).join(' ');
  if (named !== '') facts.push(named);
  if (place.kind !== 'unknown') facts.push(place.kind);
  return `${text} (${facts.length === 0 ? 'place unknown' : facts.join(', ')})`;
}

/** Problems of rules as they come from outside, each naming its field; empty means valid. */
export function validateLocationRules(rules: LocationRules): string[] {
  const problems: string[] = [];
  for (const list of ['allow', 'deny'] as const) {
    rules[list]?.forEach((rule, index) => {
      const problem = problemOf(rule);
      if (problem !== undefined) problems.push(`${list}[${index}]${problem}`);
    });
  }
  return problems;
}

function problemOf(rule: LocationRule): string | undefined {
  const fields = Object.entries(rule).filter(([, value]) => value !== undefined);
  const [only] = fields;
  if (only === undefined || fields.length !== 1) {
    const found = fields.length === 0 ? 'none' : fields.map(([name]) => name).join(' and ');
    return `: has ${found}; a rule is exactly one of cidr, country, asn, kind`;
  }
  const problem = fieldProblem(...only);
  return problem === undefined ? undefined : `.${only[0]}: ${problem}`;
}

function fieldProblem(name: string, value: unknown): string | undefined {
  const shown = JSON.stringify(value);
  switch (name) {
    case 'cidr': {
      const result =
        typeof value === 'string' ? parseCidr(value) : { ok: false as const, problem: 'is not text' };
      return result.ok ? undefined : result.problem;
    }
    case 'country':
      return countryProblem(value);
    case 'asn': {
      const valid = Number.isInteger(value) && Number(value) >= 1 && Number(value) <= ASN_MAX;
      return valid ? undefined : `${shown} is not an AS number from 1 to ${ASN_MAX}`;
    }
    case 'kind':
      return KINDS.some((kind) => kind === value) ? undefined : `${shown} is not one of ${KINDS.join(', ')}`;
    default:
      return 'is not a field of a rule; a rule is exactly one of cidr, country, asn, kind';
  }
}

function countryProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return `${JSON.stringify(value)} is not an ISO 3166-1 alpha-2 country code`;
  if (COUNTRIES.has(value)) return undefined;
  const upper = value === 'UK' || value === 'uk' ? 'GB' : value.toUpperCase();
  const hint = COUNTRIES.has(upper) ? `; did you mean ${upper}?` : '';
  return `"${value}" is not an ISO 3166-1 alpha-2 country code${hint}`;
}

/** Why rules would refuse an address that works today; undefined where they would not. */
export function wouldLockOut(
  rules: LocationRules,
  address: IpAddress | string,
  place: Place,
): string | undefined {
  const ip = typeof address === 'string' ? (parseIp(address) ?? address) : address;
  const result = checkLocation([{ who: 'key', rules: compileLocations(rules) }], ip, place);
  return result.allowed ? undefined : `These rules would lock it out: ${result.text}.`;
}
