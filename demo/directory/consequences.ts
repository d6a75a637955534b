import type { Directory } from './directory.js';
import { followQuery, placeInGroups } from './member-queries.js';
import type { Document } from './model.js';
import type { Resource } from './resources.js';
import { reschedule } from './schedule.js';

/** What follows from a change, in the transaction that makes it. */
export function consequences(
  directory: Directory,
  { kind }: Resource,
  what: 'create' | 'update' | 'delete',
  document: Document,
): void {
  switch (kind) {
    case 'user':
    case 'system':
      if (what === 'delete') forget(directory, document._id);
      else placeInGroups(directory, kind, document);
      return;
    case 'user_group':
    case 'system_group':
      if (what !== 'delete') followQuery(directory, kind, document);
      return;
    case 'command':
      reschedule(directory, what, document);
  }
}

/** A device that is removed is no device any more: its agent's key is old, and nothing waits for it. */
function forget({ store, tenant }: Directory, id: string): void {
  const record = store.agent(id);
  if (record === undefined) return;
  store.putAgent({ ...record, state: 'old' });
  for (const run of store.queuedFor(id)) store.dequeue(run);
  tenant.remove('inventory', id);
  for (const each of tenant.all('policyresult'))
    if (each.systemID === id) tenant.remove('policyresult', each._id);
}
