import type { Directory } from './directory.js';
import { followQuery, placeInGroups } from './member-queries.js';
import type { Document } from './model.js';
import { retireDevice } from './queue.js';
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
      if (what !== 'delete') placeInGroups(directory, kind, document);
      else if (kind === 'system') forget(directory, document._id);
      return;
    case 'user_group':
    case 'system_group':
      if (what !== 'delete') followQuery(directory, kind, document);
      return;
    case 'command':
      reschedule(directory, what, document);
  }
}

function forget({ store, tenant }: Directory, id: string): void {
  retireDevice(store, id);
  tenant.remove('inventory', id);
  for (const each of tenant.all('policyresult'))
    if (each.systemID === id) tenant.remove('policyresult', each._id);
}
