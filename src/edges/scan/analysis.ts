import { type Action, RESPONSE_PLAN, type ResponsePlan, respond } from '../../core/response.js';
import { AlarmBudget } from '../../detectors/budget.js';
import { type Sighting, type Term, WARM_UP } from '../../detectors/contract.js';
import { Detector, type Judgement } from '../../detectors/detector.js';
import { explanations, warmUpText } from '../../detectors/explain.js';
import { LearningGuard } from '../../detectors/learning-guard.js';
import { BackTest } from './back-test.js';
import type { Rows } from './feed/rows.js';

/** One reason of a judged line. */
export interface LineReason {
  readonly term: Term | 'warm-up';
  readonly nats: number;
  readonly text: string;
}

/** What the scan makes of one row. */
export class JudgedRow {
  readonly #rows: Rows;
  readonly #row: number;
  readonly score: number;
  readonly evidence: number;
  readonly decision: Action;
  readonly reasons: readonly LineReason[];

  constructor(
    rows: Rows,
    row: number,
    { score, evidence }: Judgement,
    decision: Action,
    reasons: readonly LineReason[],
  ) {
    this.#rows = rows;
    this.#row = row;
    this.score = score;
    this.evidence = evidence;
    this.decision = decision;
    this.reasons = reasons;
  }

  get file(): string {
    return this.#rows.file;
  }

  get line(): number {
    return this.#rows.line(this.#row);
  }

  /** Put together when it is asked for: few rows are looked at again. */
  get sighting(): Sighting {
    return this.#rows.sighting(this.#row);
  }
}

export interface AnalysisOptions {
  readonly alarmsPerKeyDay?: number;
  readonly plan?: ResponsePlan;
  /** Plays thefts that never were beside the log. */
  readonly inject?: boolean;
}

/** A call alone that is less odd needs no reasons, nor does less that has gathered. */
const SCORE_EXPLAINED = 1;
const EVIDENCE_EXPLAINED = 4;
const NO_REASONS: readonly LineReason[] = [];

/** The path of a row: score, decide, then learn. The same functions judge a live request. */
export class Analysis {
  readonly detector = new Detector();
  readonly budget: AlarmBudget;
  readonly backTest: BackTest | undefined;
  /** Nobody can be asked: what was odd is learned after a while. */
  readonly #learning = new LearningGuard(this.detector, false);
  readonly #plan: ResponsePlan;

  constructor(options: AnalysisOptions = {}) {
    this.#plan = options.plan ?? RESPONSE_PLAN;
    this.budget = new AlarmBudget(options.alarmsPerKeyDay);
    this.backTest = options.inject === true ? new BackTest(this.detector) : undefined;
  }

  judge(rows: Rows, row: number): JudgedRow {
    const actor = rows.actor(row);
    const symbols = rows.symbols(row);
    const judgement = this.#learning.assessSymbols(actor, symbols);
    const { threshold } = this.budget;
    const { evidence } = judgement;
    const decision = respond(evidence, threshold, rows.operation(row).privilege, this.#plan);
    const reasons = this.#reasons(rows, row, judgement, decision);
    this.#learning.settle(judgement, decision === 'allow' ? 'allowed' : 'alarm');
    this.backTest?.note(actor, symbols, threshold);
    this.budget.note(judgement.baseline, symbols.timeMs, evidence);
    return new JudgedRow(rows, row, judgement, decision, reasons);
  }

  #reasons(rows: Rows, row: number, judgement: Judgement, decision: Action): readonly LineReason[] {
    const gathered = decision !== 'allow' || judgement.evidence >= EVIDENCE_EXPLAINED;
    const explained = gathered || judgement.score >= SCORE_EXPLAINED;
    if (judgement.state === 'ready' && !explained) return NO_REASONS;
    const reasons: LineReason[] = [];
    if (judgement.state === 'warming')
      reasons.push({
        term: 'warm-up',
        nats: 0,
        text: warmUpText(this.detector.seen(rows.actor(row).key), WARM_UP),
      });
    if (!explained) return reasons;
    return [...reasons, ...explanations(this.detector, rows.sighting(row), judgement, gathered)];
  }
}
