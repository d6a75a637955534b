import { AlarmBudget } from '../src/detectors/budget.js';
import { Detector } from '../src/detectors/detector.js';
import { LearningGuard } from '../src/detectors/learning-guard.js';
import { WEIGHTS } from '../src/detectors/weights.js';
import { DAY_MS } from '../world/traffic.js';
import { WARM_DAYS, worldResult } from './protocol.js';
import type { WorldSet } from './sets.js';
import type { OwnOutcome } from './worlds.js';

/** An operator answers so long after the first alarm of a key. */
const ANSWERED_AFTER_MS = DAY_MS;

/** What the operator will be asked about one key. */
interface Question {
  readonly dueMs: number;
  theft: boolean;
}

/**
 * At the thresholds that Keyward sets itself, as the guard runs where an operator answers each alarm a day later: it was the
 * owner, whose calls are learned then, or a thief, of whom nothing is. (The thief stays, so that all else is as without answers.)
 */
export function atAnsweredThresholds(
  { sightings, stolen, ...world }: WorldSet,
  alarmsPerKeyDay: number,
  weights = WEIGHTS,
): OwnOutcome {
  const detector = new Detector(weights);
  const learning = new LearningGuard(detector, true);
  const budget = new AlarmBudget(alarmsPerKeyDay);
  const from = (sightings[0]?.observation.timeMs ?? 0) + WARM_DAYS * DAY_MS;
  const alarms = new Uint8Array(sightings.length);
  const days = new Set<string>();
  const falseDays = new Set<string>();
  /** By key, the oldest first. */
  const questions = new Map<string, Question>();
  sightings.forEach((sighting, i) => {
    const { key } = sighting.actor;
    const { timeMs } = sighting.observation;
    const theft = stolen[i] === true;
    for (const [asked, question] of questions) {
      if (question.dueMs > timeMs) break;
      questions.delete(asked);
      answer(asked, question.theft, { detector, learning, budget });
    }
    const judgement = learning.assess(sighting);
    const alarm = judgement.evidence >= budget.threshold;
    learning.settle(judgement, alarm ? 'alarm' : 'allowed');
    budget.note(judgement.baseline, timeMs, judgement.evidence);
    if (alarm) {
      alarms[i] = 1;
      const question = questions.get(key) ?? { dueMs: timeMs + ANSWERED_AFTER_MS, theft };
      question.theft ||= theft;
      questions.set(key, question);
    }
    if (timeMs < from || theft) return;
    const day = `${key}|${Math.floor(timeMs / DAY_MS)}`;
    days.add(day);
    if (alarm) falseDays.add(day);
  });
  const result = worldResult({ sightings, stolen, ...world }, (line) => alarms[line] === 1);
  return { alarms: falseDays.size, keyDays: days.size, result };
}

function answer(
  key: string,
  theft: boolean,
  { detector, learning, budget }: { detector: Detector; learning: LearningGuard; budget: AlarmBudget },
): void {
  if (theft) {
    learning.discard(key);
    return;
  }
  for (const { judgement, alarm } of learning.release(key))
    if (alarm) budget.falseAlarm(detector.baselineOf(key), judgement.symbols.timeMs);
}
