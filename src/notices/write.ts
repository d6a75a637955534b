import type { KeyObject } from 'node:crypto';
import { publicKeyText } from '../journal/format.js';
import type { Notice, SignedNotice } from './records.js';
import { signNotice } from './sign.js';
import { fill, type Template, type Templates } from './templates.js';
import * as words from './text.js';

/** What a notice is written with, besides its facts. */
export interface Letterhead {
  readonly templates: Templates;
  readonly sender: string;
  readonly privateKey: KeyObject;
}

export interface Issue {
  readonly atMs: number;
  readonly tenantName: string | undefined;
  readonly pickUp: words.PickUp | undefined;
}

/** Subject and text of a notice, as it would go out at that moment. */
export function writeText(head: Letterhead, notice: Notice, issue: Issue): Template {
  const { facts } = notice;
  const name = issue.tenantName === undefined ? '' : ` (${words.plain(issue.tenantName)})`;
  return fill(head.templates[notice.kind], {
    tenant: `${words.plain(notice.tenant)}${name}`,
    incident: words.plain(notice.incident),
    notice: notice.id,
    issued: words.instant(issue.atMs),
    sender: words.plain(head.sender),
    summary: words.summaryOf(facts),
    grounds: words.groundsOf(facts),
    keys: words.keysOf(facts),
    when: words.whenOf(facts),
    actions: words.actionsOf(facts),
    measures: words.measuresOf(facts),
    advice: words.adviceOf(facts, issue.pickUp),
    check: words.checkOf(publicKeyText(head.privateKey)),
  });
}

/** The notice, signed: the text, and the facts that it was written from. */
export function writeSigned(
  head: Letterhead,
  notice: Notice,
  issue: Issue,
): { subject: string; signed: SignedNotice } {
  const { subject, body } = writeText(head, notice, issue);
  const document = {
    notice: notice.id,
    kind: notice.kind,
    issuedAt: new Date(issue.atMs).toISOString(),
    sender: head.sender,
    tenantName: issue.tenantName,
    subject,
    facts: withIsoTimes(notice.facts) as Record<string, unknown>,
  };
  // Through JSON, so that the document in memory is the one that is read back.
  return { subject, signed: signNotice(JSON.parse(JSON.stringify(document)), body, head.privateKey) };
}

/** `atMs: 0` becomes `at: '1970-01-01T00:00:00.000Z'`: for readers who are not programs. */
function withIsoTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withIsoTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) =>
      name.endsWith('Ms') && typeof each === 'number'
        ? [name.slice(0, -2), new Date(each).toISOString()]
        : [name, withIsoTimes(each)],
    ),
  );
}
