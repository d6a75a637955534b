/** Does something again and again, one at a time. @returns ends it, after the one that is under way */
export function repeat(work: () => Promise<void>, everyMs: number): () => Promise<void> {
  let working: Promise<void> | undefined;
  const timer = setInterval(() => {
    // What takes longer than the interval must not pile up behind itself.
    working ??= work()
      .catch(console.error)
      .finally(() => {
        working = undefined;
      });
  }, everyMs);
  return async () => {
    clearInterval(timer);
    await working;
  };
}
