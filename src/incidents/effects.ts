/** Something that happened at a device, as the upstream's own log or the device tells it. */
export interface Effect {
  readonly timeMs: number;
  readonly tenant: string;
  readonly device: string;
  /** Effects of one run belong together: a command may be run on many devices at once. */
  readonly run: string;
  readonly text: string;
}

/** A request that the guard let through and that can have such effects. */
export interface Cause {
  readonly timeMs: number;
  readonly tenant: string;
  readonly request: string;
}

/** A run that no request explains. */
export interface UnexplainedRun {
  readonly run: string;
  readonly tenant: string;
  readonly firstMs: number;
  readonly devices: readonly string[];
  readonly text: string;
}

/** Devices of one run that are listed. */
const DEVICES_LISTED_MAX = 1_000;

/**
 * Runs without a cause: what somebody put into the provider's own queue, past every key, as in 2023. Each request explains one run of
 * its tenant that shows within the window after it; runs are matched in order of time, each with the earliest request that is left. Where a
 * tenant has more runs than requests, as many are unexplained, though it may be the run beside.
 * @param windowMs from the request to the first effect: devices are not always on
 * @param skewMs by which the log's clock may be behind the guard's
 */
export function unexplainedRuns(
  effects: readonly Effect[],
  causes: readonly Cause[],
  windowMs: number,
  skewMs = 60_000,
): UnexplainedRun[] {
  const open = new Map<string, Cause[]>();
  for (const cause of [...causes].sort((a, b) => a.timeMs - b.timeMs)) {
    const own = open.get(cause.tenant);
    if (own === undefined) open.set(cause.tenant, [cause]);
    else own.push(cause);
  }
  return runsOf(effects, windowMs).filter(({ tenant, firstMs }) => {
    const own = open.get(tenant) ?? [];
    while (own[0] !== undefined && own[0].timeMs < firstMs - windowMs) own.shift();
    if (own[0] === undefined || own[0].timeMs > firstMs + skewMs) return true;
    own.shift();
    return false;
  });
}

/** Oldest first. What shows later than the window after a run began is a run again: its name proves nothing. */
function runsOf(effects: readonly Effect[], windowMs: number): UnexplainedRun[] {
  const runs: (UnexplainedRun & { devices: string[] })[] = [];
  const latest = new Map<string, (typeof runs)[number]>();
  for (const { timeMs, tenant, device, run, text } of [...effects].sort((a, b) => a.timeMs - b.timeMs)) {
    const id = JSON.stringify([tenant, run]);
    const known = latest.get(id);
    if (known === undefined || timeMs > known.firstMs + windowMs) {
      const begun = { run, tenant, firstMs: timeMs, devices: [device], text };
      latest.set(id, begun);
      runs.push(begun);
    } else if (known.devices.length < DEVICES_LISTED_MAX && !known.devices.includes(device))
      known.devices.push(device);
  }
  return runs;
}
