import { Doings } from './doings.js';
import { Random } from './random.js';
import { DAY_MS, HOUR_MS } from './traffic.js';

/** One act of a stream: what a log of anything that people do with a key would tell. */
export interface Act {
  readonly timeMs: number;
  readonly key: string;
  /** Empty where the stream does not tell. */
  readonly userAgent: string;
  readonly operation: string;
  readonly objects: readonly string[];
  readonly status?: number;
  readonly bytesOut?: number;
}

/** What all people of a stream have in common. */
interface Setting {
  readonly random: Random;
  readonly days: number;
  /** False where times are nominal: one act a minute. */
  readonly clock: boolean;
  readonly doings: Doings;
  readonly clients: readonly string[];
  /** How often interests and clients change, per session. */
  readonly changes: number;
  /** Share of acts that fail; absent where outcomes are not told. */
  readonly failures: number | undefined;
  readonly bytes: boolean;
}

const START_MS = Date.UTC(2012, 0, 2);
const MINUTE_MS = 60_000;

/**
 * People at work on anything, for weeks or for years: a repository, a shell, an application. What there is to do, how much
 * people differ, how regular they are and what is told of them is drawn anew for every seed (domain randomization, Tobin et
 * al., IROS 2017), so that what is learned from many streams holds for one that nobody thought of.
 */
export function newStream(seed: number, acts = 15_000): Act[] {
  const random = new Random(seed, 77);
  const clock = random.chance(0.85);
  const clients = random.chance(0.15) ? 0 : random.int(3, 40);
  const setting: Setting = {
    ...{ random, clock, doings: new Doings(random) },
    days: clock ? random.logBetween(20, 4000) : 20,
    clients: Array.from({ length: clients }, () => `agent zone=${random.hex(4)}`),
    changes: random.logBetween(0.002, 0.15),
    failures: random.chance(0.4) ? random.logBetween(0.002, 0.08) : undefined,
    bytes: random.chance(0.3),
  };
  const people = Math.round(random.logBetween(25, 250));
  const spread = random.between(0.6, 1.6);
  const busy = Array.from({ length: people }, () => random.logNormal(1, spread));
  const total = busy.reduce((sum, each) => sum + each, 0);
  const all = busy.flatMap((share) => lifeOf(setting, Math.max(20, Math.round((share / total) * acts))));
  return all.sort((a, b) => a.timeMs - b.timeMs);
}

/** Everything that one person does: so many acts, in sessions. */
function lifeOf(setting: Setting, acts: number): Act[] {
  const { random, clock, doings, days } = setting;
  const key = random.hex(10);
  const client = newClients(setting);
  const interests = doings.newInterests();
  const rhythm = newRhythm(setting);
  const perSession = random.logBetween(1.2, 25);
  const daysLeft = days * (random.chance(0.3) ? 1 : random.between(0.2, 1));
  const lasts = daysLeft * DAY_MS * random.between(0.2, 1);
  let sessionMs = START_MS + (days - daysLeft) * DAY_MS;
  const life: Act[] = [];
  while (life.length < acts) {
    if (random.chance(setting.changes)) interests.change();
    if (random.chance(setting.changes)) client.change();
    let timeMs = clock ? rhythm.workingTime(sessionMs) : sessionMs;
    const session = interests.session(1 + Math.floor(random.exponential(perSession - 0.8)));
    for (const doing of session.slice(0, acts - life.length)) {
      life.push({ timeMs: Math.round(timeMs), key, userAgent: client.now, ...doing, ...outcomeOf(setting) });
      timeMs += clock ? rhythm.pauseMs() : MINUTE_MS;
    }
    sessionMs = Math.max(timeMs, sessionMs + random.logNormal((lasts * perSession) / acts, rhythm.unrest));
  }
  return life;
}

function outcomeOf({ random, failures, bytes }: Setting): Pick<Act, 'status' | 'bytesOut'> {
  return {
    ...(failures === undefined
      ? {}
      : { status: random.chance(failures) ? random.pick([400, 403, 404, 404, 500]) : 200 }),
    ...(bytes ? { bytesOut: Math.round(random.logNormal(2000, 1)) } : {}),
  };
}

/** The software that somebody uses, and comes back to. */
function newClients({ random, clients }: Setting) {
  const own = clients.length === 0 ? [''] : [random.zipf(clients, 0.5)];
  const client = {
    now: own[0] as string,
    change() {
      const another = clients.length > 0 && (own.length === 1 || random.chance(0.3));
      client.now = another ? random.zipf(clients, 0.5) : random.pick(own);
      if (!own.includes(client.now)) own.push(client.now);
    },
  };
  return client;
}

/** When somebody works, and how fast. */
function newRhythm({ random }: Setting) {
  const hour = random.between(0, 24);
  const width = random.between(1.5, 6);
  const weekend = random.next();
  const medianMs = 1000 * random.logBetween(5, 3000);
  return {
    /** Spread of the pauses between sessions, in log units. */
    unrest: random.between(0.3, 1.8),
    pauseMs: () => random.logNormal(medianMs, 1),
    /** The next time from `timeMs` on that lies in usual hours. */
    workingTime(timeMs: number): number {
      let day = Math.floor(timeMs / DAY_MS);
      // 1970 began on a Thursday.
      if ((day + 3) % 7 >= 5 && !random.chance(weekend)) day += 2;
      const at = (hour + width * random.normal() + 48) % 24;
      return Math.max(timeMs, day * DAY_MS + at * HOUR_MS);
    },
  };
}
