import type { KeyRecord } from '../core/key.js';
import type { KeyFacts, TenantFacts } from '../notices/facts.js';
import type { KeyRadius, Tally } from './blast-radius.js';
import { grouped } from './grouped.js';
import type { Plan } from './plan.js';
import type { Findings } from './service.js';

/** Grounds that a notice gives; of a large tenant, the others say the same. */
const GROUNDS_MAX = 20;

interface Sources {
  readonly found: Findings;
  /** Plans of the incident. */
  readonly plans: readonly Plan[];
  readonly keyOf: (id: string) => KeyRecord | undefined;
  readonly receiptOf: (key: string) => string | undefined;
}

/**
 * What each tenant has to be told: those whose keys were misused, and those whose keys were contained as a precaution.
 * Nobody reads of another's keys.
 */
export function factsOf(incident: string, sources: Sources): TenantFacts[] {
  const { found, plans } = sources;
  const radii = new Map(found.radii.map((radius) => [radius.key, radius]));
  const touched = grouped(found.set.contain, ({ tenant }) => tenant);
  const contained = plans.flatMap(({ steps }) =>
    steps.filter(({ state, tenant }) => state === 'done' && !touched.has(tenant)),
  );
  const reset = grouped(contained, ({ tenant }) => tenant);
  return [
    ...[...touched].map(([tenant, keys]) => ({
      ...{ incident, tenant, touched: true, grounds: [] },
      keys: keys.map(({ key }) => keyFacts(key, radii.get(key), sources)),
    })),
    ...[...reset].map(([tenant, keys]) => ({
      ...{ incident, tenant, touched: false, grounds: groundsOf(tenant, found) },
      keys: [...new Set(keys.map(({ key }) => key))].map((key) => keyFacts(key, undefined, sources)),
    })),
  ];
}

function groundsOf(tenant: string, { set }: Findings): string[] {
  const grounds = set.leftAlone
    .filter((each) => each.tenant === tenant)
    .slice(0, GROUNDS_MAX)
    .map(({ key, why }) => `Key ${key}: ${why}.`);
  if (grounds.length > 0) return grounds;
  const since = new Date(set.sinceMs).toISOString();
  return [`None of its keys made a request since ${since}.`];
}

function keyFacts(id: string, radius: KeyRadius | undefined, { keyOf, receiptOf }: Sources): KeyFacts {
  const key = keyOf(id);
  return {
    ...{ id, name: key?.name ?? id, principal: key?.principal ?? '' },
    ...(radius === undefined
      ? {}
      : { compromisedFromMs: radius.compromised.fromMs, compromisedLatestMs: radius.compromised.toMs }),
    ...(radius?.lastForeignMs === undefined ? {} : { lastMisuseMs: radius.lastForeignMs }),
    operations: (radius?.operations ?? []).filter(isForeign).map((each) => ({
      ...{ name: each.name, privilege: each.privilege },
      ...{ succeeded: each.foreignSucceeded, refused: each.foreignRefused },
      ...{ firstMs: each.foreignFirstMs, lastMs: each.foreignLastMs },
    })),
    objects: (radius?.objects ?? [])
      .filter(({ foreignSucceeded }) => foreignSucceeded > 0)
      .map(({ id: object, effect, foreignSucceeded }) => ({ id: object, effect, count: foreignSucceeded })),
    bytesOut: radius?.foreignBytesOut ?? 0,
    places: (radius?.networks ?? [])
      .filter(isForeign)
      .map(({ network, asn, country }) =>
        [network, asn === undefined ? undefined : `AS${asn}`, country].filter(Boolean).join(' '),
      ),
    measures: measuresOf(key, receiptOf(id)),
  };
}

/** Somebody else's, the times among them: of what the owner did a notice says nothing. */
function isForeign<T extends Tally>(
  tally: T,
): tally is T & { readonly foreignFirstMs: number; readonly foreignLastMs: number } {
  return tally.foreignFirstMs !== undefined;
}

function measuresOf(key: KeyRecord | undefined, receipt: string | undefined): KeyFacts['measures'] {
  const { frozen, suspended, replaced, revoked } = key ?? {};
  return [
    ...(frozen === undefined ? [] : [{ act: 'frozen', atMs: frozen.atMs }]),
    ...(suspended === undefined ? [] : [{ act: 'suspended', atMs: suspended.atMs }]),
    ...(replaced === undefined ? [] : [{ act: 'replaced', atMs: replaced.atMs }]),
    ...(revoked === undefined
      ? []
      : [{ act: 'revoked', atMs: revoked.atMs, ...(receipt === undefined ? {} : { receipt }) }]),
  ];
}
