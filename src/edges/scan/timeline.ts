/** Steps of a timeline, at most: what a picture can show. */
const STEPS_MAX = 240;
const STEP_MS_MIN = 1_000;

/** Calls within one step of time. */
export interface TimelineStep {
  calls: number;
  /** The most evidence, in nats. */
  peak: number;
  privileged: boolean;
}

/** When calls came and how odd they were, however many: steps grow wider as time goes on. */
export class Timeline {
  /** By hour of the day, UTC. */
  readonly hours: number[] = Array.from({ length: 24 }, () => 0);
  #stepMs = STEP_MS_MIN;
  #steps = new Map<number, TimelineStep>();

  note(timeMs: number, evidence: number, privileged: boolean): void {
    const hour = new Date(timeMs).getUTCHours();
    this.hours[hour] = (this.hours[hour] as number) + 1;
    add(this.#steps, Math.floor(timeMs / this.#stepMs), { calls: 1, peak: evidence, privileged });
    while (this.#steps.size > STEPS_MAX) this.#widen();
  }

  /** In the order of time, each with the time at which it begins. */
  get steps(): readonly (readonly [number, TimelineStep])[] {
    return [...this.#steps]
      .sort(([a], [b]) => a - b)
      .map(([index, step]) => [index * this.#stepMs, step] as const);
  }

  #widen(): void {
    const wider = new Map<number, TimelineStep>();
    for (const [index, step] of this.#steps) add(wider, Math.floor(index / 2), step);
    this.#steps = wider;
    this.#stepMs *= 2;
  }
}

function add(steps: Map<number, TimelineStep>, index: number, more: TimelineStep): void {
  const step = steps.get(index);
  if (step === undefined) {
    steps.set(index, { ...more });
    return;
  }
  step.calls += more.calls;
  step.peak = Math.max(step.peak, more.peak);
  step.privileged ||= more.privileged;
}
