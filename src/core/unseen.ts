/**
 * Controls, line separators, marks without width and marks that turn the direction of text: what shows as nothing, steers a
 * terminal, or makes a text read as another.
 */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/gu;

/** Text that came from outside, with a visible character in place of each unseen one. */
export function seen(text: string, by: string): string {
  return text.replace(UNSEEN, by);
}
