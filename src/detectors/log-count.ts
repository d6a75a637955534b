/**
 * Counts in 12 bits: exact to 128, then 7 bits of mantissa under an exponent that grows by chance (Morris,
 * "Counting large numbers of events in small registers", CACM 1978). Holds up to about 2^37.
 */
const MANTISSA = 128;
const CODE_MAX = 4095;

export function decodeCount(code: number): number {
  if (code < MANTISSA) return code;
  const exponent = code >>> 7;
  return (MANTISSA + (code & (MANTISSA - 1))) * 2 ** (exponent - 1);
}

/** @param dither between 0 and 1: the part of a step from which it counts as a whole one is 1 − dither. */
export function encodeCount(count: number, dither: number): number {
  if (count < MANTISSA) return Math.floor(count + dither);
  const exponent = Math.floor(Math.log2(count / MANTISSA));
  const mantissa = Math.floor(count / 2 ** exponent + dither) - MANTISSA;
  return Math.min(CODE_MAX, ((exponent + 1) << 7) + mantissa);
}

/** @param draw 32 bits that stand for chance. */
export function incrementCount(code: number, draw: number): number {
  if (code < MANTISSA * 2) return code + 1;
  if (code >= CODE_MAX) return code;
  const step = (code >>> 7) - 1;
  return (draw & (2 ** Math.min(step, 31) - 1)) === 0 ? code + 1 : code;
}
