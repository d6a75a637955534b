import { counted } from '../core/counted.js';
import {
  type Baseline,
  Clock,
  HISTOGRAM,
  HISTOGRAM_TOTAL,
  type Histogram,
  KIND_DISTINCT,
  KIND_TOTAL,
} from './baseline.js';
import { beginningsPerDay } from './beginnings.js';
import type { Sighting, Term } from './contract.js';
import type { Detector, Judgement } from './detector.js';
import {
  bytesPerHourClass,
  bytesThisHour,
  callsThisHour,
  lastOf,
  paceSince,
  perHourClass,
} from './habits.js';
import { experience, KindIndex, ownCount, type Scene, upperTail } from './likelihood.js';
import { Kind } from './symbols.js';

const DAY_MS = 86_400_000;
const SHOWN_CHARS_MAX = 80;

/** What a term has to say of this call, in plain words and numbers. Before the call is learned. */
function explain(term: Term, scene: Scene, sighting: Sighting, strangerKeys: number): string {
  switch (term) {
    case 'network':
      return networkText(scene, sighting);
    case 'client':
      return clientText(scene, sighting);
    case 'operation':
      return operationText(scene, sighting);
    case 'objects':
      return objectsText(scene);
    case 'time':
      return timeText(scene);
    case 'volume':
      return volumeText(scene);
    case 'outcome':
      return outcomeText(scene, sighting);
    case 'privilege':
      return privilegeText(sighting);
    case 'beginnings':
      return beginningsText(scene);
    case 'visitor':
      return visitorText(scene);
    case 'strangers':
      return `the same source came with ${counted(strangerKeys, 'other key')} within 3 days, and is new to each`;
  }
}

/** One reason of a judgement. */
export interface Explanation {
  readonly term: Term;
  readonly nats: number;
  readonly text: string;
}

const REASONS_MAX = 5;

/** The terms that speak most against the owner, in words. For a call that is not settled yet. */
export function explanations(
  detector: Detector,
  sighting: Sighting,
  judgement: Judgement,
  lately: boolean,
): Explanation[] {
  const { baseline, symbols, strangers } = judgement;
  const scene = { symbols, baseline, population: detector.population };
  const terms = lately ? detector.lately(judgement) : detector.terms(judgement);
  return terms
    .slice(0, REASONS_MAX)
    .map(({ term, nats }) => ({ term, nats, text: explain(term, scene, sighting, strangers.keys) }));
}

function privilegeText({ observation: { operation } }: Sighting): string {
  return `${shown(operation.name)} is privileged (${operation.privilege} of 4): it needs less doubt`;
}

function beginningsText({ baseline, symbols }: Scene): string {
  const often = beginningsPerDay(baseline, symbols);
  return `several privileged operations that this key had never done, one after the other: it begins such a one in about ${counted(Math.max(1, Math.round(1 / often)), 'day')} at work`;
}

function visitorText({ baseline: { clock } }: Scene): string {
  const since = new Date(clock[Clock.awayLast] as number).toISOString();
  return `goes on from an odd call at ${since}, from the same place with the same tool`;
}

/** Why a key has no evidence yet. */
export function warmUpText(seen: number, wanted: number): string {
  return `warming up: call ${seen + 1} of the ${wanted} it takes to know this key`;
}

function networkText(scene: Scene, { observation: { address, place } }: Sighting): string {
  const { symbols, population } = scene;
  if (symbols.prefix === 0) return 'the call does not say from where, unlike others of this key';
  const asn = place.asn === undefined ? '' : `AS${place.asn}`;
  const named = [asn, place.network].filter(Boolean).join(' ');
  const country = countryText(scene, place.country);
  const past = `in ${span(scene.baseline)} (${calls(scene)})`;
  if (ownCount(scene, symbols.asn) === 0)
    return `${shown(named || address)}${country} never used by this key ${past}; ${share(scene, symbols.asn, population.total(KindIndex[Kind.asn] as number))} of all keys' use`;
  if (ownCount(scene, symbols.prefix) === 0) {
    const known = scene.baseline.numbers[KIND_DISTINCT.start + (KindIndex[Kind.prefix] as number)] as number;
    return `${shown(address)} is in a network never used by this key ${past}, which used ${about(known, 'network')}${named === '' ? '' : `; ${shown(named)}${country} it has used`}`;
  }
  return `${shown(address)}: this key was in its network in ${about(ownCount(scene, symbols.prefix), 'hour')} before`;
}

function countryText(scene: Scene, country: string | undefined): string {
  if (country === undefined) return '';
  const isNew = ownCount(scene, scene.symbols.country) === 0 && ownTotal(scene, Kind.country) > 0;
  return isNew ? ` (${country}, a country new to this key)` : ` (${country})`;
}

function clientText(scene: Scene, { observation: { userAgent } }: Sighting): string {
  const { symbols, population } = scene;
  if (symbols.client === 0)
    return `no client is named: this key named one in ${about(ownTotal(scene, Kind.client), 'hour')} before`;
  const own = ownCount(scene, symbols.client);
  const others = share(scene, symbols.client, population.total(KindIndex[Kind.client] as number));
  const name = `client "${shown(userAgent)}"`;
  if (own > 0) return `${name}: this key used it in ${about(own, 'hour')} before`;
  if (ownCount(scene, symbols.family) > 0) return `${name}: a version that this key has not used before`;
  return `${name} never used by this key in ${calls(scene)}; ${others} of all keys' use`;
}

function operationText(scene: Scene, { observation: { operation } }: Sighting): string {
  const { symbols, population } = scene;
  // Counts and their sum fade apart: a part is never more than the whole.
  const own = Math.min(ownCount(scene, symbols.operation), experience(scene));
  const others = share(scene, symbols.operation, population.total(KindIndex[Kind.operation] as number));
  const name = shown(operation.name);
  if (own === 0) return `${name} never done by this key in ${calls(scene)}; ${others} of all keys' calls`;
  return `${name}: ${number(own)} of this key's ${calls(scene)}, unusual after the call before it`;
}

function objectsText(scene: Scene): string {
  const { objects } = scene.symbols;
  const fresh = objects.filter((object) => ownCount(scene, object) === 0);
  const foreign = fresh.filter((object) => scene.population.counts.get(0, object) >= 1);
  if (fresh.length === 0) return `${counted(objects.length, 'object')} at once`;
  const others = foreign.length === 0 ? '' : `, ${foreign.length} of them known from other keys`;
  return `${fresh.length} of ${counted(objects.length, 'object')} never touched by this key${others}`;
}

function timeText(scene: Scene): string {
  const { hour, weekday } = scene.symbols;
  return `${String(hour).padStart(2, '0')}:00 UTC on ${WEEKDAYS[weekday]}: ${ownShare(scene, HISTOGRAM.hour, hour)} of this key's hours at work, ${ownShare(scene, HISTOGRAM.weekday, weekday)} of its days`;
}

function volumeText(scene: Scene): string {
  const { baseline, symbols } = scene;
  const hourly = Math.max(1, callsThisHour(scene));
  const last = lastOf(baseline.clock, symbols);
  const parts = [
    `${about(hourly, 'call')} in this hour (so many or more: ${percent(upperTail(scene, HISTOGRAM.perHour, perHourClass(hourly)))} of its calls)`,
  ];
  // A clock that was set back knows no pause.
  if (last !== 0 && last <= symbols.timeMs) {
    const pace = paceSince(last, symbols.timeMs);
    parts.push(
      `${duration(symbols.timeMs - last)} after the last (such pauses: ${ownShare(scene, HISTOGRAM.pace, pace)})`,
    );
  }
  return parts.join('; ');
}

function outcomeText(scene: Scene, { outcome }: Sighting): string {
  const { status, bytesOut } = scene.symbols;
  const parts: string[] = [];
  if (status >= 0)
    parts.push(
      `status ${outcome?.status}: such answers are ${ownShare(scene, HISTOGRAM.status, status)} of this key's`,
    );
  if (bytesOut >= 0) {
    const bytes = Math.max(bytesOut, bytesThisHour(scene));
    const so = percent(upperTail(scene, HISTOGRAM.bytesPerHour, bytesPerHourClass(bytes)));
    parts.push(`${about(bytes, 'byte')} received in this hour (so many or more: ${so} of its calls)`);
  }
  return parts.join('; ');
}

/** Observations of this kind, as far as the key remembers. */
function ownTotal({ baseline }: Scene, kind: number): number {
  return baseline.numbers[KIND_TOTAL.start + (KindIndex[kind] as number)] as number;
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

function calls(scene: Scene): string {
  return about(experience(scene), 'call');
}

function span(baseline: Baseline): string {
  const ms = (baseline.clock[Clock.last] as number) - (baseline.clock[Clock.first] as number);
  const days = Math.floor(ms / DAY_MS);
  return days >= 1 ? counted(days, 'day') : duration(ms);
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

function share({ population }: Scene, symbol: number, total: number | undefined): string {
  return percent(population.counts.get(0, symbol) / Math.max(1, total ?? 0));
}

function ownShare({ baseline: { numbers } }: Scene, histogram: Histogram, index: number): string {
  const { start, order } = histogram;
  const total = numbers[HISTOGRAM_TOTAL.start + order] as number;
  return percent((numbers[start + index] as number) / Math.max(1, total));
}

function percent(part: number): string {
  if (part === 0) return '0 %';
  if (part < 0.0001) return 'less than 0.01 %';
  return `${(part * 100).toPrecision(2).replace(/\.0$/, '')} %`.replace(/^1\.0e\+2/, '100');
}

/** Counts that fade are fractions. */
function about(n: number, word: string): string {
  return counted(Math.round(n), word);
}

function number(n: number): string {
  return Math.round(n).toLocaleString('en');
}

/** Text that came from outside, short; control characters are the writer's matter. */
function shown(text: string): string {
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
}
