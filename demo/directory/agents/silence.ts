import type { Directory } from '../directory.js';
import type { Document } from '../model.js';

/** Agents that work are heard of every minute at least. */
export const SILENT_MS = 3 * 60_000;

/** A device cannot say that it fell silent: whoever reads it is told. */
export function asHeard({ store, ports }: Directory, system: Document): Document {
  if (system.active !== true || store.agent(system._id)?.state !== 'active') return system;
  const silentMs = ports.now() - Date.parse(String(system.lastContact));
  return silentMs > SILENT_MS ? { ...system, active: false } : system;
}
