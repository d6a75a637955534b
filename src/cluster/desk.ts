import type {
  BudgetStanding,
  Desk,
  DeskStanding,
  HoldDecision,
  HoldFacts,
  Settlement,
} from '../engine/desk.js';
import type { HoldFilter } from '../engine/holds.js';
import {
  type Answer,
  FIELD_CHARS_MAX,
  FIELDS_MAX,
  HOLD_CHARS_MAX,
  HOLDS_MAX,
  mayAsk,
  type Question,
  REASONS_MAX,
  TEXT_CHARS_MAX,
} from './protocol.js';

/** Of one gateway: as many as an operator is shown at once. */
const LISTED_MAX = 1_000;

/** A gateway's desk, asked from the control process. */
export class FarDesk implements Desk {
  readonly #ask: (question: Question) => Promise<Answer>;

  /** @param ask rejects where no answer comes */
  constructor(ask: (question: Question) => Promise<Answer>) {
    this.#ask = async (question) => {
      if (!mayAsk(question)) throw new Error('No gateway has anything of such a name.');
      return ask(question);
    };
  }

  async list(filter: HoldFilter): Promise<readonly HoldFacts[]> {
    // No gateway has anything of such a name: that is an answer.
    if (!mayAsk({ about: 'holds', ...filter, skip: 0 })) return [];
    // Between two answers new ones may open: what comes twice is one.
    const found = new Map<string, HoldFacts>();
    for (let skip = 0; skip < LISTED_MAX; skip += HOLDS_MAX) {
      const { holds } = await this.#ask({ about: 'holds', ...filter, skip });
      for (const hold of holds) if (!found.has(hold.id)) found.set(hold.id, hold);
      if (holds.length < HOLDS_MAX) break;
    }
    return [...found.values()];
  }

  async find(id: string): Promise<HoldFacts | undefined> {
    if (!mayAsk({ about: 'hold', id })) return undefined;
    return (await this.#ask({ about: 'hold', id })).holds[0];
  }

  async decide(
    id: string,
    decision: HoldDecision,
  ): Promise<{ hold: HoldFacts; decided: boolean } | undefined> {
    const { holds, decided = false } = await this.#ask({ about: 'decision', id, ...decision });
    const [hold] = holds;
    return hold && { hold, decided };
  }

  async settle(key: string, how: Settlement): Promise<number> {
    return (await this.#ask({ about: 'baseline', key, how })).calls ?? 0;
  }

  async standing(key: string): Promise<DeskStanding> {
    const { standing } = await this.#ask({ about: 'standing', key });
    if (standing === undefined) throw new Error('The gateway does not say how the key stands.');
    return standing;
  }

  async budget(): Promise<BudgetStanding> {
    const { budget } = await this.#ask({ about: 'budget' });
    if (budget === undefined) throw new Error('The gateway does not say how its alarm budget stands.');
    return budget;
  }
}

/** A gateway's answer, from its own desk. */
export async function answerFrom(desk: Desk, question: Question): Promise<Answer> {
  switch (question.about) {
    case 'holds': {
      const { about: _, skip, ...filter } = question;
      return { holds: (await desk.list(filter)).slice(skip, skip + HOLDS_MAX).map(sent) };
    }
    case 'hold': {
      const hold = await desk.find(question.id);
      return { holds: hold === undefined ? [] : [sent(hold)] };
    }
    case 'decision': {
      const { id, state, by, learn } = question;
      const answer = await desk.decide(id, { state, by, learn });
      return answer === undefined ? { holds: [] } : { holds: [sent(answer.hold)], decided: answer.decided };
    }
    case 'baseline':
      return { holds: [], calls: await desk.settle(question.key, question.how) };
    case 'standing':
      return { holds: [], standing: await desk.standing(question.key) };
    case 'budget':
      return { holds: [], budget: await desk.budget() };
  }
}

/** As much of it as a line has room for. */
function sent({ finding, gateway: _, ...hold }: HoldFacts): Answer['holds'][number] {
  const cut = (text: string, max = TEXT_CHARS_MAX) => text.slice(0, max);
  return {
    ...hold,
    ...{ tenant: cut(hold.tenant), principal: cut(hold.principal), method: cut(hold.method) },
    ...{ path: cut(hold.path, HOLD_CHARS_MAX), operation: cut(hold.operation, HOLD_CHARS_MAX) },
    ...{ address: cut(hold.address), userAgent: cut(hold.userAgent) },
    fields: hold.fields.slice(0, FIELDS_MAX).map((name) => cut(name, FIELD_CHARS_MAX)),
    ...(finding === undefined
      ? {}
      : {
          finding: {
            ...{ evidence: finding.evidence, threshold: finding.threshold },
            reasons: finding.reasons
              .slice(0, REASONS_MAX)
              .map(({ term, nats, text }) => ({ term, nats, text: cut(text, HOLD_CHARS_MAX) })),
          },
        }),
  };
}
