import type { Admission } from '../../engine/guard-loop.js';
import type { HeldAnswer } from '../../engine/held-calls.js';
import { BodyReader } from '../../wire/http-body.js';
import type { RequestHead } from '../../wire/http-head.js';
import type { ProxyUpstream } from './gateway.js';

/** Body that a held request may have: an approval is bound to all of it. */
const BODY_BYTES_MAX = 256 * 1024;

type HeldBody =
  | { readonly kind: 'more' }
  | { readonly kind: 'complete'; readonly bytes: Buffer }
  | { readonly kind: 'refused'; readonly status: 400 | 403; readonly code: string; readonly detail: string };

/** The body at the head of `pending`, with its framing, as far as it has come. */
export function heldBody(framing: RequestHead['framing'], pending: Buffer): HeldBody {
  const reader = new BodyReader(framing);
  const used = reader.done ? 0 : reader.take(pending);
  if (reader.refused !== undefined)
    return { kind: 'refused', status: 400, code: 'request_malformed', detail: `Refused: ${reader.refused}.` };
  if (reader.done) return { kind: 'complete', bytes: pending.subarray(0, used) };
  if (pending.length <= BODY_BYTES_MAX) return { kind: 'more' };
  const detail = `This call waits for an approval, and its body is too large to wait (${BODY_BYTES_MAX} bytes).`;
  return { kind: 'refused', status: 403, code: 'behaviour_held', detail };
}

/** What the caller of a held request is told. Not why it was held: it may be a thief. */
export function heldProblem(
  { verdict }: Admission<ProxyUpstream>,
  answer: Exclude<HeldAnswer<ProxyUpstream>, { kind: 'approved' }>,
  approvalUrl: string | undefined,
) {
  const { id } = answer.hold;
  if (answer.kind === 'denied' || verdict.decision !== 'hold')
    return {
      status: 403,
      code: 'hold_denied',
      detail: 'This call was looked at and refused.',
      headers: [],
      extra: { hold: id },
    };
  const { status, reason } = verdict;
  return {
    status,
    code: reason.code,
    detail: reason.text,
    headers: status === 202 ? ['Retry-After', '30'] : [],
    extra: {
      hold: id,
      ...(approvalUrl === undefined ? {} : { approval: approvalUrl.replaceAll('{hold}', id) }),
    },
  };
}
