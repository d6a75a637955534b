import type { KeyRecord } from '../core/key.js';
import type { BudgetStanding } from '../detectors/budget.js';
import type { Acts } from '../keys/acts.js';
import { ActFault } from '../keys/acts.js';
import type { KeyDirectory } from '../keys/directory.js';
import type { BaselineStanding, Desk, HoldFacts, OwnDesk, Settlement } from './desk.js';
import { explained, refusalOf } from './foresight.js';
import type { HoldFilter } from './holds.js';
import type { Changes, Geo, KeyStore } from './ports.js';
import type { Upstream } from './routing.js';

/** A further gateway's desk, which rejects what it cannot answer. */
export interface RemoteDesk {
  readonly name: string;
  readonly desk: Desk;
}

/** What was gathered from all processes, and who did not answer: what these have is missing in it. */
export interface Incomplete {
  readonly silent: readonly string[];
}

interface Parts {
  readonly acts: Acts;
  readonly desk: Desk & Pick<OwnDesk, 'reset'>;
  readonly changes: Changes;
  readonly elsewhere: () => readonly RemoteDesk[];
  readonly store: KeyStore;
  readonly directory: KeyDirectory;
  readonly geo: Geo;
  readonly upstreams: () => readonly Upstream[];
}

/**
 * What an operator says of a key's behaviour, in this process or at a further gateway; each word is in the journal before it
 * takes effect.
 */
export class Approvals {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Newest first. */
  async list(filter: HoldFilter): Promise<{ holds: HoldFacts[] } & Incomplete> {
    const [own, { answers, silent }] = await Promise.all([
      this.#parts.desk.list(filter),
      this.#askAll(async ({ name, desk }) =>
        (await desk.list(filter)).map((hold) => ({ ...hold, gateway: name })),
      ),
    ]);
    return { holds: [own, ...answers].flat().sort((a, b) => b.openedMs - a.openedMs), silent };
  }

  async show(id: string): Promise<HoldFacts> {
    return (await this.#find(id)).hold;
  }

  /** Lets the held request through once. With `learn`, it is learned, too: "this was us". */
  approve(actor: string, id: string, learn: boolean): Promise<HoldFacts> {
    return this.#decide(actor, id, 'approved', learn);
  }

  /** The request stays refused, and what the key did while it was odd is not learned. */
  deny(actor: string, id: string): Promise<HoldFacts> {
    return this.#decide(actor, id, 'denied', false);
  }

  /**
   * Over all processes. Each learns from the calls that it sees, and a gateway begins with what the control process knew: how
   * much the one knows that knows it best. A key that has not begun yet stands as the one that it replaces.
   */
  async standing(key: string): Promise<BaselineStanding & Incomplete> {
    const { replaces } = this.#known(key);
    const { desk, store } = this.#parts;
    const { answers, silent } = await this.#askAll((each) => each.desk.standing(key));
    const all = [await desk.standing(key), ...answers];
    const most = (of: (each: BaselineStanding) => number) => Math.max(...all.map(of));
    const begun = all.some((each) => each.begun);
    if (!begun && replaces !== undefined && store.key(replaces) !== undefined) return this.standing(replaces);
    return {
      calls: most((each) => each.calls),
      warming: all.every(({ warming }) => warming),
      quarantined: all.reduce((sum, { quarantined }) => sum + quarantined, 0),
      keyDays: most(({ keyDays }) => keyDays),
      alarmsAllowed: most(({ alarmsAllowed }) => alarmsAllowed),
      alarmDays: most(({ alarmDays }) => alarmDays),
      silent,
    };
  }

  /** Allowed and spent in all processes; the threshold is this one's. */
  async budget(): Promise<BudgetStanding & Incomplete> {
    const own = await this.#parts.desk.budget();
    const { answers, silent } = await this.#askAll(({ desk }) => desk.budget());
    const all = [own, ...answers];
    const sum = (of: (each: BudgetStanding) => number) => all.reduce((total, each) => total + of(each), 0);
    return {
      keyDays: sum(({ keyDays }) => keyDays),
      allowed: sum(({ allowed }) => allowed),
      spent: sum(({ spent }) => spent),
      falseAlarms: sum(({ falseAlarms }) => falseAlarms),
      threshold: own.threshold,
      silent,
    };
  }

  /** Forgets all that was learned of the key: each gateway before it holds a lease again, be it stopped or not there now. */
  reset(actor: string, key: string): Promise<void> {
    const { acts, desk, changes } = this.#parts;
    return acts.run(async () => {
      this.#known(key);
      await acts.record(actor, 'baseline.reset', key);
      await desk.reset(key);
      await changes.announce({});
    }, `baseline ${key}`);
  }

  /** Learns (`release`) or forgets (`discard`) what waits in quarantine, in every process. */
  async settle(actor: string, key: string, how: Settlement): Promise<{ calls: number }> {
    const { calls, silent } = await this.#settle(actor, key, how);
    if (silent.length > 0) throw notEverywhere([key], how, silent);
    return { calls };
  }

  /** Of a false alarm: what waits of its keys was their owners' own. */
  async vouch(actor: string, keys: readonly string[]): Promise<void> {
    const settled = await Promise.all(keys.map((key) => this.#settle(actor, key, 'release')));
    const silent = [...new Set(settled.flatMap((each) => each.silent))];
    if (silent.length > 0) throw notEverywhere(keys, 'release', silent);
  }

  #settle(actor: string, key: string, how: Settlement): Promise<{ calls: number } & Incomplete> {
    return this.#parts.acts.run(async () => {
      this.#known(key);
      const { acts, desk } = this.#parts;
      await acts.record(actor, `baseline.${how}`, key);
      const [own, { answers, silent }] = await Promise.all([
        desk.settle(key, how),
        this.#askAll((each) => each.desk.settle(key, how)),
      ]);
      return { calls: answers.reduce((sum, calls) => sum + calls, own), silent };
    }, `baseline ${key}`);
  }

  #decide(actor: string, id: string, state: 'approved' | 'denied', learn: boolean): Promise<HoldFacts> {
    return this.#parts.acts.run(async () => {
      const { hold, gateway, desk } = await this.#find(id);
      if (hold.state !== 'pending') throw decidedAlready(hold);
      if (state === 'approved') this.#mustWork(hold);
      const action = state === 'denied' ? 'hold.deny' : learn ? 'hold.ours' : 'hold.approve';
      const where = gateway === undefined ? {} : { gateway };
      await this.#parts.acts.record(actor, action, id, { key: hold.key, ...where });
      const answer = await desk.decide(id, { state, by: actor, learn }).catch(() => undefined);
      if (answer === undefined)
        throw new ActFault('conflict', `${gateway ?? 'The guard'} does not know whether ${id} is ${state}.`);
      if (!answer.decided) throw decidedAlready(answer.hold);
      return { ...answer.hold, ...where };
    }, `hold ${id}`);
  }

  /** Its owner would wait in vain for what an approval lets through, and the operator take it for done. */
  #mustWork(hold: HoldFacts): void {
    const reason = refusalOf(hold, this.#parts, this.#parts.acts.now());
    if (reason !== undefined)
      throw new ActFault(
        'conflict',
        `Approved or not, the call of hold ${hold.id} would be refused. ${explained(reason, hold.key)}`,
      );
  }

  async #find(id: string): Promise<{ hold: HoldFacts; gateway?: string; desk: Desk }> {
    const { desk, elsewhere } = this.#parts;
    const own = await desk.find(id);
    if (own !== undefined) return { hold: own, desk };
    const silent: string[] = [];
    const asked = elsewhere().map(async (each) => {
      const hold = await each.desk.find(id).catch(() => void silent.push(each.name));
      if (hold === undefined) throw NOT_HERE;
      return { hold: { ...hold, gateway: each.name }, gateway: each.name, desk: each.desk };
    });
    // Whoever has it answers for all: nobody waits for one that does not.
    return Promise.any(asked).catch(() => {
      if (silent.length > 0)
        throw new ActFault(
          'conflict',
          `There is no hold ${id}, save where nobody answers: ${gateways(silent)}.`,
        );
      throw new ActFault('not_found', `There is no hold ${id}.`);
    });
  }

  async #askAll<Answer>(
    ask: (remote: RemoteDesk) => Promise<Answer>,
  ): Promise<{ answers: Answer[] } & Incomplete> {
    const silent: string[] = [];
    const answers = await Promise.all(
      this.#parts.elsewhere().map((each) => ask(each).catch(() => void silent.push(each.name))),
    );
    return { answers: answers.filter((each) => each !== undefined), silent: silent.sort() };
  }

  #known(key: string): KeyRecord {
    const known = this.#parts.store.key(key);
    if (known === undefined) throw new ActFault('not_found', `There is no key ${key}.`);
    return known;
  }
}

/** Keys that a fault names. */
const NAMED_MAX = 100;
/** No fault: another one may have it. */
const NOT_HERE = new Error('not here');

function notEverywhere(keys: readonly string[], how: Settlement, silent: readonly string[]): ActFault {
  const named = keys.slice(0, NAMED_MAX).join(', ');
  return new ActFault(
    'conflict',
    `The ${how} of what waits of ${named} is done, save where nobody answers: ${gateways(silent)}. Once that answers: keyward baseline ${how} KEY.`,
  );
}

function gateways(names: readonly string[]): string {
  return names.map((name) => `gateway ${name}`).join(', ');
}

function decidedAlready({ id, state }: HoldFacts): ActFault {
  return new ActFault('conflict', `The hold ${id} is ${state} already.`);
}
