/**
 * Loaded before everything else in a gateway: its wall clock is wrong by SKEW_MS, or jumps to and fro by as much
 * with SKEW_JUMPS.
 */
const RealDate = Date;
const skewMs = Number(process.env.SKEW_MS ?? 0);
const jumps = process.env.SKEW_JUMPS === '1';
const JUMP_EVERY_MS = 700;

function now() {
  const real = RealDate.now();
  if (!jumps) return real + skewMs;
  return real + (Math.floor(performance.now() / JUMP_EVERY_MS) % 2 === 0 ? skewMs : -skewMs);
}

globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(now());
    else super(...given);
  }
  static now() {
    return now();
  }
};
