import type { Contained } from './operator.js';
import type { GuardedOutcome, Replayed } from './outcome.js';
import type { Summary } from './summary.js';
import { count, plural, span } from './words.js';

/** What is known in the end, in sentences: also what went wrong. */
export function facts({ on }: Replayed, { privileged }: Summary): string[] {
  const sentences = [
    found(on),
    privileged.tried === 0
      ? 'Exposure: no operation that he tried was privileged.'
      : `Exposure: ${privileged.with} of ${plural(privileged.tried, 'privileged operation')} that he tried.`,
    falseAlarms(on),
    `In the owners' way: ${count(on.refused)} of their ${plural(on.calls, 'call')} refused, new keys that came an hour late included.`,
    revoked(on),
    told(on),
    pastEveryKey(on),
  ];
  return sentences.filter((sentence) => sentence !== undefined);
}

/** How many keys were not contained, and what is said of them. */
export function leftAlone({ leftAlone: listed, notListed, silent }: Contained): string {
  const quiet = silent === 0 ? '' : `; ${count(silent)} that made no call`;
  return `${count(listed.length + notListed)} left alone, each with its evidence${quiet}`;
}

function found({ journal }: GuardedOutcome): string {
  const { detectedAfterMs, callsBefore, keysFound } = journal;
  if (detectedAfterMs === undefined) return 'The guard found nothing against the thief.';
  const when =
    callsBefore === 0
      ? `was on the thief's first call`
      : `came ${span(detectedAfterMs)} after the thief's first call, after ${plural(callsBefore, 'call')}`;
  return `The first finding ${when}; ${plural(keysFound, 'stolen key')} had findings.`;
}

function falseAlarms({ journal, incidents }: GuardedOutcome): string {
  const falses = incidents.filter(({ theft }) => !theft).length;
  return `False alarms: ${journal.falseKeyDays} in ${plural(journal.keyDays, 'key-day')} (${plural(journal.falseFindings, 'call')} flagged, ${journal.falseHeld} of them held), ${plural(falses, 'false incident')}.`;
}

function revoked({ journal, contained }: GuardedOutcome): string {
  const receipts = contained.flatMap((each) => each.receipts);
  if (receipts.length === 0) return 'Revoked: nothing.';
  const exact = receipts.every((each) => each.exact) ? 'exact ' : '';
  const after = plural(journal.afterRevocation, 'call');
  const accepted = journal.acceptedAfterRevocation;
  return `Revoked: ${plural(receipts.length, `${exact}receipt`)}; afterwards ${after} came with these keys, ${count(accepted)} ${accepted === 1 ? 'was' : 'were'} accepted.`;
}

function told({ contained, webhooks }: GuardedOutcome): string {
  const notices = contained.flatMap((each) => each.notices);
  const kinds = (kind: string) => notices.filter((each) => each.kind === kind).length;
  const touched = plural(kinds('touched'), 'tenant that was touched', 'tenants that were touched');
  return `Told: ${touched}, ${kinds('precaution')} as a precaution; ${plural(webhooks.good, 'webhook')} arrived with a good signature, ${webhooks.bad} with a bad one.`;
}

function pastEveryKey({ injected, effects }: GuardedOutcome): string | undefined {
  const runs = plural(effects.unexplained.length, 'run');
  if (injected.length === 0)
    return effects.unexplained.length === 0
      ? undefined
      : `The device log against the journal shows ${runs} without a request.`;
  return effects.unexplained.length > 0
    ? `The command inside the provider passed no key, so nothing stopped it; the device log against the journal shows it: ${runs} without a request.`
    : 'The command inside the provider passed no key, nothing stopped it, and the comparison did not find it.';
}
