import type { Answer } from './ask.js';
import type { Side } from './side.js';

/** Calls of one key that the guard holds for one visitor's. */
export interface Trail {
  readonly key: string;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly clients: Readonly<Record<string, number>>;
}

export interface Incident {
  readonly id: string;
  readonly openedAt: string;
  readonly keys: readonly string[];
  readonly tenants: readonly string[];
  readonly findings: number;
  readonly peak: number;
  readonly trails: readonly Trail[];
}

export interface Contained {
  readonly incident: string;
  readonly atMs: number;
  readonly sinceMs: number;
  readonly keys: readonly { readonly key: string; readonly why: string }[];
  readonly leftAlone: readonly { readonly key: string; readonly requests: number; readonly why: string }[];
  /** Further keys that have no line of their own, and keys that made no call at all. */
  readonly notListed: number;
  readonly silent: number;
  readonly receipts: readonly Receipt[];
  readonly notices: readonly {
    readonly tenant: string;
    readonly kind: string;
    readonly subject: string;
    readonly text: string;
  }[];
  readonly delivered: number;
}

export interface Receipt {
  readonly id: string;
  readonly key: string;
  readonly exact: boolean;
}

const WAIT_MS = 15_000;

/** Incidents that are open, as the people on duty find them. */
export async function openIncidents(side: Side): Promise<Incident[]> {
  const { body } = await side.admin('GET', '/v1/incidents?state=open');
  const { incidents } = body as { incidents: { id: string }[] };
  return Promise.all(
    incidents.map(async ({ id }) => (await side.admin('GET', `/v1/incidents/${id}`)).body as Incident),
  );
}

/** Plans of the guard's own automation that are carried out and not known yet, each with the key that it froze. */
export async function frozenByItself(side: Side, known: ReadonlySet<string>): Promise<Frozen[]> {
  const { body } = await side.admin('GET', '/v1/containments');
  const { plans } = body as { plans: { id: string; by: string }[] };
  const fresh = plans.filter(({ id, by }) => by === 'keyward' && !known.has(id));
  const frozen = await Promise.all(
    fresh.map(async ({ id }) => {
      const plan = (await side.admin('GET', `/v1/containments/${id}`)).body as {
        why: string;
        steps: { key: string; state: string }[];
      };
      const done = plan.steps.filter(({ state }) => state === 'done');
      return done.map(({ key }) => ({ plan: id, key, why: plan.why }));
    }),
  );
  return frozen.flat();
}

export interface Frozen {
  readonly plan: string;
  readonly key: string;
  readonly why: string;
}

/** Revokes the exact set of an incident, and tells every tenant that it concerns. */
export async function contain(side: Side, incident: string, nowMs: number): Promise<Contained> {
  const why = 'used by somebody else; seen by its behaviour';
  const radius = (await side.admin('GET', `/v1/incidents/${incident}/blast-radius`)).body as Findings;
  const plan = (
    await side.admin('POST', '/v1/containments', { measure: 'revoke', incident, why, gapSeconds: 0 })
  ).body as { id: string };
  await side.admin('POST', `/v1/containments/${plan.id}/start`);
  await until(async () => {
    const { body } = await side.admin('GET', `/v1/containments/${plan.id}`);
    return (body as { state: string }).state === 'done';
  });
  const keys = radius.set.contain.map(({ key, why: reasons }) => ({ key, why: reasons.join('; ') }));
  const receipts = await Promise.all(keys.map(({ key }) => receiptOf(side, key)));
  const told = await tell(side, incident);
  return {
    ...{ incident, atMs: nowMs, sinceMs: radius.set.sinceMs, keys, leftAlone: radius.set.leftAlone },
    ...{ notListed: radius.set.notListed, silent: radius.set.silent, receipts: receipts.flat(), ...told },
  };
}

interface Findings {
  readonly set: {
    readonly sinceMs: number;
    readonly contain: readonly { readonly key: string; readonly why: readonly string[] }[];
    readonly leftAlone: Contained['leftAlone'];
    readonly notListed: number;
    readonly silent: number;
  };
}

async function receiptOf(side: Side, key: string): Promise<Receipt[]> {
  const { body } = await side.admin('GET', `/v1/receipts?key=${key}&limit=1`);
  const { receipts } = body as { receipts: Omit<Receipt, 'key'>[] };
  return receipts.map((each) => ({ ...each, key }));
}

async function tell(side: Side, incident: string): Promise<Pick<Contained, 'notices' | 'delivered'>> {
  const { notices: drafts } = (await side.admin('POST', `/v1/incidents/${incident}/notices`)).body as {
    notices: { id: string; tenant: string; kind: string }[];
  };
  const notices = [];
  for (const { id, tenant, kind } of drafts) {
    const { body } = await side.admin('GET', `/v1/notices/${id}/preview`);
    await side.admin('POST', `/v1/notices/${id}/approve`, {});
    notices.push({ tenant, kind, ...(body as { subject: string; text: string }) });
  }
  let delivered = 0;
  await until(async () => {
    const { body } = await side.admin('GET', `/v1/notices?incident=${incident}`);
    const all = (body as { notices: { deliveries: { state: string }[] }[] }).notices.flatMap(
      (each) => each.deliveries,
    );
    delivered = all.filter(({ state }) => state === 'delivered').length;
    return all.every(({ state }) => state === 'delivered' || state === 'failed');
  });
  return { notices, delivered };
}

/** What an owner says of the incident: it was no thief. */
export function closeAsFalse(side: Side, incident: string): Promise<Answer> {
  return side.admin('POST', `/v1/incidents/${incident}/close`, {
    ...{ verdict: 'false_alarm', why: 'the owner knows these calls' },
  });
}

async function until(done: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + WAIT_MS;
  while (!(await done())) {
    if (performance.now() > end) throw new Error('The guard did not finish in time.');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
