import { type Action, RESPONSE_PLAN, type ResponsePlan, respond } from '../../core/response.js';
import { AlarmBudget } from '../../detectors/budget.js';
import type { Sighting, Term } from '../../detectors/contract.js';
import { Detector, type Judgement, WARM_UP } from '../../detectors/detector.js';
import { explanations, warmUpText } from '../../detectors/explain.js';
import { LearningGuard } from '../../detectors/learning-guard.js';
import type { LogRecord } from '../../wire/logs/record.js';
import { BackTest } from './back-test.js';
import type { LogObserver } from './observe.js';

/** One reason of a judged line. */
export interface LineReason {
  readonly term: Term | 'warm-up';
  readonly nats: number;
  readonly text: string;
}

/** What the scan makes of one record. */
export interface JudgedRecord {
  readonly sighting: Sighting;
  readonly score: number;
  readonly evidence: number;
  readonly decision: Action;
  /** Evidence from which the decision is no longer `allow`. */
  readonly threshold: number;
  readonly warming: boolean;
  readonly reasons: readonly LineReason[];
}

export interface AnalysisOptions {
  readonly alarmsPerKeyDay?: number;
  readonly plan?: ResponsePlan;
  /** Plays thefts that never were beside the log. */
  readonly inject?: boolean;
}

/** Scores below this need no reasons. */
const EXPLAINED_FROM = 1;

/** The path of a log line: observe, score, decide, then learn. The same functions judge a live request. */
export class Analysis {
  readonly detector = new Detector();
  readonly budget: AlarmBudget;
  readonly backTest: BackTest | undefined;
  /** Nobody can be asked: what was odd is learned after a while. */
  readonly #learning = new LearningGuard(this.detector, false);
  readonly #observer: LogObserver;
  readonly #plan: ResponsePlan;

  constructor(observer: LogObserver, options: AnalysisOptions = {}) {
    this.#observer = observer;
    this.#plan = options.plan ?? RESPONSE_PLAN;
    this.budget = new AlarmBudget(options.alarmsPerKeyDay);
    this.backTest = options.inject === true ? new BackTest(this.detector) : undefined;
  }

  judge(record: LogRecord): JudgedRecord {
    const sighting = this.#observer.sightingOf(record);
    const { key } = sighting.actor;
    this.#learning.admit(key, sighting.observation.timeMs);
    const judgement = this.detector.assess(sighting);
    const { threshold } = this.budget;
    const { evidence, score, state } = judgement;
    const decision = respond(evidence, threshold, sighting.observation.operation.privilege, this.#plan);
    const reasons = this.#reasons(sighting, judgement, decision);
    this.#learning.settle(key, judgement, decision !== 'allow');
    this.backTest?.note(sighting, threshold);
    this.budget.note(key, sighting.observation.timeMs, evidence);
    return { sighting, score, evidence, decision, threshold, warming: state === 'warming', reasons };
  }

  #reasons(sighting: Sighting, judgement: Judgement, decision: Action): readonly LineReason[] {
    const { key } = sighting.actor;
    const reasons: LineReason[] = [];
    if (judgement.state === 'warming')
      reasons.push({ term: 'warm-up', nats: 0, text: warmUpText(this.detector.seen(key), WARM_UP) });
    if (judgement.score < EXPLAINED_FROM && decision === 'allow') return reasons;
    return [...reasons, ...explanations(this.detector, sighting, judgement, decision !== 'allow')];
  }
}
