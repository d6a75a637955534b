/**
 * Counts in 12 bits: exact to 128, then 7 bits of mantissa under an exponent that grows by chance (Morris,
 * "Counting large numbers of events in small registers", CACM 1978). Holds up to about 2^37.
 */
const MANTISSA = 128;
const CODE_MAX = 4095;

/** Read for every symbol of every call, so kept ready. */
const DECODED = Float64Array.from({ length: CODE_MAX + 1 }, (_, code) =>
  code < MANTISSA ? code : (MANTISSA + (code & (MANTISSA - 1))) * 2 ** ((code >>> 7) - 1),
);

export function decodeCount(code: number): number {
  return DECODED[code] as number;
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
  const step = Math.min((code >>> 7) - 1, 31);
  return (draw & ((1 << step) - 1)) === 0 ? code + 1 : code;
}
