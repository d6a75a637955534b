import type { IpAddress } from '../wire/ip-address.js';
import type { KeyRecord, KeyUsage, Quota, RateLimit, TimeWindow } from './key.js';
import { checkKeyState } from './key-state.js';
import { type CompiledLocations, checkLocation } from './location.js';
import type { Observation } from './observation.js';
import { type Bucket, quotaPeriod, type RateResult, takeToken } from './rate.js';
import { type CompiledOperations, checkOperation, checkWindows } from './scope.js';
import { ALLOW, deny, type Verdict } from './verdict.js';

/** What the presented credential turned out to be. A wrong secret and an unknown key are the same thing. */
export type Credential =
  | { readonly kind: 'missing' }
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'unknown' }
  /** An upstream's own key that is not registered yet, where the upstream admits those. */
  | { readonly kind: 'unregistered' }
  | { readonly kind: 'known'; readonly subject: Subject };

/** A key with everything that is known of it, limits made ready. */
export interface Subject {
  readonly key: KeyRecord;
  readonly usage: KeyUsage | undefined;
  readonly bucket: Bucket | undefined;
  readonly limits: CompiledLimits;
  readonly tenantLocations: CompiledLocations | undefined;
  /** What a frozen key may still do. */
  readonly freeze: CompiledFreeze | undefined;
}

export type CompiledFreeze = Pick<CompiledLimits, 'operations' | 'locations'>;

export interface CompiledLimits {
  readonly operations: CompiledOperations | undefined;
  readonly locations: CompiledLocations | undefined;
  readonly windows: readonly TimeWindow[];
  readonly rate: RateLimit | undefined;
  readonly quota: Quota | undefined;
  readonly bodyBytesMax: number | undefined;
}

/** What holds for every request to an upstream. */
export interface UpstreamPolicy {
  readonly locations: CompiledLocations | undefined;
  readonly bodyBytesMax: number | undefined;
}

/** The decision and what follows from it for the next one. */
export interface Decision {
  readonly verdict: Verdict;
  readonly rate?: RateResult;
  readonly quota?: { readonly used: number; readonly period: string };
}

/**
 * THE path: every edge, live or offline, decides here and nowhere else. Pure: the same observation and the
 * same subject give the same decision.
 */
export function guard(
  observation: Observation,
  address: IpAddress,
  credential: Credential,
  upstream: UpstreamPolicy,
): Decision {
  if (credential.kind !== 'known') return unidentified(observation, address, credential.kind, upstream);
  const { subject } = credential;
  const refused = checkSubject(observation, address, subject, upstream);
  return refused === undefined ? meter(subject, observation.timeMs) : { verdict: refused };
}

/**
 * The same for a call that was held since {@link guard} decided: everything counts as it is now, but for the rate, where it has
 * its place.
 */
export function guardAgain(
  observation: Observation,
  address: IpAddress,
  subject: Subject,
  upstream: UpstreamPolicy,
): Decision {
  const refused = checkSubject(observation, address, subject, upstream);
  return refused === undefined ? spend(subject, observation.timeMs) : { verdict: refused };
}

/** Everything but rate and quota: what a request that waited is held against once more. */
export function checkSubject(
  observation: Observation,
  address: IpAddress,
  subject: Subject,
  upstream: UpstreamPolicy,
): Verdict | undefined {
  return (
    checkKeyState(subject.key, subject.usage, observation.upstream, observation.timeMs) ??
    locate(observation, address, upstream, subject) ??
    scopeOf(observation, subject.limits, upstream) ??
    checkFreeze(observation, address, subject.freeze)
  );
}

function unidentified(
  observation: Observation,
  address: IpAddress,
  kind: 'missing' | 'ambiguous' | 'unknown' | 'unregistered',
  upstream: UpstreamPolicy,
): Decision {
  switch (kind) {
    case 'missing':
      // Privilege 0 is public by the operator's own word: nothing to present.
      if (observation.operation.privilege === 0) return admitAnyone(observation, address, upstream);
      return { verdict: deny('credential_missing', 'No key was presented where this upstream expects one.') };
    case 'ambiguous':
      return { verdict: deny('credential_ambiguous', 'Two different credentials were presented; send one.') };
    case 'unknown':
      return { verdict: deny('credential_invalid', 'The presented key is not valid.') };
    case 'unregistered':
      return admitAnyone(observation, address, upstream);
  }
}

/** What the upstream demands of everybody. */
function admitAnyone(observation: Observation, address: IpAddress, upstream: UpstreamPolicy): Decision {
  return {
    verdict:
      locate(observation, address, upstream, undefined) ??
      bodySize(observation, upstream.bodyBytesMax) ??
      ALLOW,
  };
}

/** The strictest of key, tenant and upstream wins. */
function locate(
  observation: Observation,
  address: IpAddress,
  upstream: UpstreamPolicy,
  subject: Subject | undefined,
): Verdict | undefined {
  const own = subject?.limits.locations;
  const tenant = subject?.tenantLocations;
  if (own === undefined && tenant === undefined && upstream.locations === undefined) return undefined;
  const result = checkLocation(
    [
      { who: 'key', rules: own },
      { who: 'tenant', rules: tenant },
      { who: 'upstream', rules: upstream.locations },
    ],
    address,
    observation.place,
  );
  return result.allowed ? undefined : deny('location_denied', result.text);
}

function scopeOf(
  observation: Observation,
  limits: CompiledLimits,
  upstream: UpstreamPolicy,
): Verdict | undefined {
  return (
    (limits.operations === undefined ? undefined : checkOperation(limits.operations, observation)) ??
    checkWindows(limits.windows, observation.timeMs) ??
    bodySize(observation, limits.bodyBytesMax) ??
    bodySize(observation, upstream.bodyBytesMax)
  );
}

/** A frozen key goes on with what it has always done, from where it always came. */
function checkFreeze(
  observation: Observation,
  address: IpAddress,
  freeze: CompiledFreeze | undefined,
): Verdict | undefined {
  if (freeze === undefined) return undefined;
  const { operations, locations } = freeze;
  if (operations !== undefined && checkOperation(operations, observation) !== undefined)
    return deny('key_frozen', 'This key is frozen: only what it has always done is accepted.');
  const place = checkLocation([{ who: 'key', rules: locations }], address, observation.place);
  return place.allowed
    ? undefined
    : deny('key_frozen', 'This key is frozen: it is accepted only from where it has always come.');
}

function bodySize(observation: Observation, bytesMax: number | undefined): Verdict | undefined {
  if (bytesMax === undefined || observation.bodyBytes === undefined || observation.bodyBytes <= bytesMax)
    return undefined;
  return deny(
    'body_too_large',
    `The request body has ${observation.bodyBytes} bytes; at most ${bytesMax} are allowed.`,
  );
}

/** Rate and quota come last: what was refused for another reason costs neither. */
function meter(subject: Subject, timeMs: number): Decision {
  const { rate: limit } = subject.limits;
  const rate = limit === undefined ? undefined : takeToken(limit, subject.bucket, timeMs);
  if (limit !== undefined && rate?.allowed === false) {
    return {
      verdict: deny(
        'rate_limited',
        `More than ${limit.requests} requests in ${limit.seconds} s; wait ${rate.resetSeconds} s.`,
      ),
      rate,
    };
  }
  const decision = spend(subject, timeMs);
  return decision.verdict.decision === 'allow' ? { ...decision, rate } : decision;
}

function spend(subject: Subject, timeMs: number): Decision {
  const allowance = subject.limits.quota;
  if (allowance === undefined) return { verdict: ALLOW };
  const period = quotaPeriod(allowance, timeMs);
  const used = subject.usage?.quotaPeriod === period ? (subject.usage.quotaUsed ?? 0) : 0;
  if (used >= allowance.requests) {
    return {
      verdict: deny(
        'quota_exceeded',
        `The quota of ${allowance.requests} requests a ${allowance.per} is used up (${period}).`,
      ),
    };
  }
  return { verdict: ALLOW, quota: { used: used + 1, period } };
}
