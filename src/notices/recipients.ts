import type { Tenant } from '../core/key.js';
import type { Channel } from './records.js';

export interface Recipient {
  readonly channel: Channel;
  readonly recipient: string;
}

export interface Recipients {
  readonly all: readonly Recipient[];
  /** Why it cannot go out, when it cannot. */
  readonly problem?: string;
}

/** Where a notice for a tenant would go, as its contacts are now. */
export function recipientsOf(id: string, tenant: Tenant | undefined, smtp: boolean): Recipients {
  if (tenant === undefined)
    return { all: [], problem: `There is no tenant ${id} (any more): nobody is known who could be told.` };
  const { emails = [], webhooks = [] } = tenant.contacts ?? {};
  const all: Recipient[] = [
    ...emails.map((recipient) => ({ channel: 'email' as const, recipient })),
    ...webhooks.map(({ url }) => ({ channel: 'webhook' as const, recipient: url })),
  ];
  if (all.length === 0) return { all, problem: `Tenant ${id} has no contacts; set its e-mails or webhooks.` };
  if (emails.length > 0 && !smtp)
    return { all, problem: `Tenant ${id} is told by e-mail, and notices.smtp is not configured.` };
  return { all };
}
