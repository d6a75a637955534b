import { Api } from './api.js';
import type { Call } from './call.js';
import { addressIn } from './places.js';
import { clientAt, type Principal } from './principals.js';
import type { Provider, Service, Workflow } from './provider.js';
import type { Random } from './random.js';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** What differs from a principal's own way: a thief's, or a change's. */
export interface Guise {
  readonly ip?: string;
  readonly userAgent?: string;
  readonly key?: string;
  readonly episode?: string;
  /** Median seconds between calls. */
  readonly pause?: number;
  /** How often a call fails: who does not know the place tries doors. */
  readonly errors?: number;
}

/** Runs a workflow from `startMs` on; gives the time after it. */
export function runFlow(
  { provider, api, random, out, startMs: worldStartMs }: Stage,
  who: Principal,
  flow: Workflow,
  startMs: number,
  guise: Guise = {},
): number {
  const ip = guise.ip ?? who.place(random);
  const pause = guise.pause ?? who.pause ?? provider.pauses[who.service === undefined ? 'person' : 'service'];
  const userAgent = guise.userAgent ?? clientAt(who, (startMs - worldStartMs) / DAY_MS);
  let timeMs = startMs;
  for (const step of flow) {
    if (step.chance !== undefined && !random.chance(step.chance)) continue;
    const times = random.int(...(step.times ?? [1, 1]));
    for (let n = 0; n < times; n++) {
      const call = api.call(random, step.operation, who.tenant.objects);
      const status = statusOf(random, guise.errors ?? 0.015);
      out.push({
        timeMs: Math.round(timeMs),
        key: guise.key ?? who.key,
        tenant: who.tenant.id,
        principal: who.id,
        ip,
        userAgent,
        operation: step.operation,
        ...call,
        status,
        ...(status < 400 ? {} : { bytesOut: random.int(60, 220) }),
        ...(guise.episode === undefined ? {} : { episode: guise.episode }),
      });
      timeMs += call.latencyMs + 1000 * random.logNormal(pause, 0.8);
    }
  }
  return timeMs;
}

/** Where a part of the world is played. */
export interface Stage {
  readonly provider: Provider;
  readonly api: Api;
  readonly random: Random;
  readonly startMs: number;
  readonly days: number;
  readonly out: Call[];
}

/** Nothing has happened there yet. */
export function newStage(provider: Provider, random: Random, startMs: number, days: number): Stage {
  return { provider, api: new Api(provider.catalog), random, startMs, days, out: [] };
}

function statusOf(random: Random, errors: number): number {
  if (!random.chance(errors)) return 200;
  return random.pick([400, 401, 403, 404, 404, 404, 429, 500, 503]);
}

/** Everything that a principal does of its own between two instants. */
export function live(stage: Stage, who: Principal, fromMs: number, toMs: number): void {
  if (who.service === undefined) liveByHand(stage, who, fromMs, toMs);
  else {
    liveBySchedule(stage, who, who.service, fromMs, toMs);
    debug(stage, who, fromMs, toMs);
  }
}

/** What it does next: nearly always one of its workflows. */
function nextFlow({ random }: Stage, { unrest }: Principal, usual: () => Workflow): Workflow {
  return unrest !== undefined && random.chance(unrest.wandering) ? unrest.anything(random) : usual();
}

/** The service's owner tries something with its key: from the office, by hand. */
function debug(stage: Stage, who: Principal, fromMs: number, toMs: number): void {
  if (who.unrest === undefined) return;
  const { random } = stage;
  const { office, zone } = who.tenant;
  const { debugging, anything, otherClient: userAgent } = who.unrest;
  for (let day = Math.ceil(fromMs / DAY_MS); day * DAY_MS < toMs; day++) {
    if (!random.chance(debugging)) continue;
    const guise = {
      ip: addressIn(random, office.network, office.third),
      userAgent,
      pause: stage.provider.pauses.person,
      errors: 0.1,
    };
    let timeMs = day * DAY_MS + (random.between(8, 18) - zone) * HOUR_MS;
    for (let n = random.int(1, 5); n > 0 && timeMs < toMs; n--) {
      const flow = random.chance(0.2) ? anything(random) : random.pick(who.flows);
      timeMs = runFlow(stage, who, flow, timeMs, guise) + 1000 * random.logNormal(60, 1);
    }
  }
}

function liveBySchedule(stage: Stage, who: Principal, service: Service, fromMs: number, toMs: number): void {
  const { random } = stage;
  const everyMs = service.everyMinutes * 60_000;
  // A schedule begins where its crontab says: the same minute each time, in the hours it has.
  const share = (parseInt(who.key.slice(3, 9), 16) % 1000) / 1000;
  const [first, last] = service.hours ?? [0, 24];
  const daily = service.everyMinutes >= 720;
  const phase = daily ? ((first + share * (last - first) - who.tenant.zone + 24) * HOUR_MS) / everyMs : share;
  for (let n = Math.floor((fromMs - stage.startMs) / everyMs) - Math.ceil(phase); ; n++) {
    const dueMs = stage.startMs + (n + phase) * everyMs;
    if (dueMs > toMs) return;
    const timeMs = dueMs + random.exponential(service.jitter * everyMs * 0.5);
    if (timeMs < fromMs || timeMs > toMs || !atWork(who, service, timeMs)) continue;
    if (random.chance(0.01)) continue;
    const flow = nextFlow(stage, who, () => random.pick(who.flows));
    const end = runFlow(stage, who, flow, timeMs);
    // The upstream was away: scripts try again, and again.
    if (random.chance(0.002))
      for (let i = 0; i < 4; i++)
        runFlow(stage, who, who.flows[0] as Workflow, end + i * 8_000, { errors: 0.7 });
  }
}

function atWork(who: Principal, service: Service, timeMs: number): boolean {
  const local = new Date(timeMs + who.tenant.zone * HOUR_MS);
  const weekend = local.getUTCDay() === 0 || local.getUTCDay() === 6;
  if (service.workdays && weekend) return false;
  const hour = local.getUTCHours();
  return service.hours === undefined || (hour >= service.hours[0] && hour < service.hours[1]);
}

function liveByHand(stage: Stage, who: Principal, fromMs: number, toMs: number): void {
  const { random } = stage;
  const zoneMs = who.tenant.zone * HOUR_MS;
  for (let day = Math.floor((fromMs + zoneMs) / DAY_MS); day * DAY_MS - zoneMs <= toMs; day++) {
    const weekday = new Date(day * DAY_MS).getUTCDay();
    const weekend = weekday === 0 || weekday === 6;
    if (random.chance(weekend ? 0.93 : 0.08)) continue;
    const sessions = 1 + Math.floor(random.exponential(weekend ? 0.7 : who.diligence));
    for (let n = 0; n < sessions; n++) {
      const late = random.chance(0.03);
      const hour = late ? random.between(who.end, 24) : random.between(who.start, who.end);
      let timeMs = day * DAY_MS - zoneMs + hour * HOUR_MS;
      if (timeMs < fromMs || timeMs > toMs) continue;
      const guise = { ip: who.place(random), ...otherClient(random, who) };
      const flows = 1 + Math.floor(random.exponential(1.2));
      for (let i = 0; i < flows && timeMs < toMs; i++) {
        const flow = nextFlow(stage, who, () => random.zipf(who.flows));
        timeMs = runFlow(stage, who, flow, timeMs, guise) + 1000 * random.logNormal(90, 1);
      }
    }
  }
}

/** A session with another tool. */
function otherClient(random: Random, { unrest }: Principal): Pick<Guise, 'userAgent'> {
  return unrest !== undefined && random.chance(unrest.otherShare) ? { userAgent: unrest.otherClient } : {};
}
