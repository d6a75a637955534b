import type { RootDatabase } from 'lmdb';

/** A transaction that resolves when it is on disk, with what `change` gives. @throws {Error} with the reason, such as a full disk */
export async function commit<T>(root: RootDatabase, change: () => T): Promise<T> {
  try {
    return await root.transaction(change);
  } catch (error) {
    throw await reasonOf(error);
  }
}

/** LMDB tells the reason by a promise of its own, which ends the process where nobody listens. */
async function reasonOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { readonly commitError?: Promise<never> };
  if (commitError === undefined) return error;
  const reason: unknown = await Promise.race([commitError, undefined]).catch((cause: unknown) => cause);
  return reason ?? error;
}
