/**
 * 32-bit hashes of symbols (MurmurHash3's finaliser and body, Appleby 2011): fast, not secret. Signed, since V8 keeps such
 * numbers without an object of their own.
 */
export function mix(hash: number): number {
  let h = hash | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

export function combine(a: number, b: number): number {
  return mix(Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77) ^ (b >>> 15));
}

export function hashText(text: string, seed = 0): number {
  let h = seed ^ 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mix(h ^ text.length);
}

/** Digits, dots and dashes between digits do not count: versions of one client share a hash. */
export function hashFamily(text: string, seed = 0): number {
  let h = seed ^ 0x811c9dc5;
  let inNumber = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const digit = c >= 48 && c <= 57;
    if (digit) {
      if (!inNumber) h = Math.imul(h ^ 35, 0x01000193);
      inNumber = true;
    } else if (!(inNumber && (c === 46 || c === 45))) {
      inNumber = false;
      h = Math.imul(h ^ c, 0x01000193);
    }
  }
  return mix(h);
}
