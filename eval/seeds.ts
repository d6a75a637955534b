/**
 * What each world is for, by its seed. A seed is one world, whoever plays it, so none serves two purposes: a world that weights
 * were learned from, or a design was chosen by, says nothing of worlds to come. The first of an evaluation are those after the last
 * that anybody has looked at.
 */
export const WRITTEN_SEEDS = {
  learned: [...range(4, 6), ...range(21, 6), ...range(31, 10)],
  development: [...range(1, 3), ...range(301, 8), ...range(501, 8)],
  incidents: range(321, 8),
  campaigns: range(401, 24),
  evaluation: range(1032, 100),
} as const;

/** Of drawn providers. */
export const DRAWN_SEEDS = {
  learned: range(0, 100),
  development: range(601, 12),
  evaluation: range(1032, 100),
} as const;

function range(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}
