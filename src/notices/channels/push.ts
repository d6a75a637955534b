import type { CidrSet } from '../../wire/cidr.js';
import type { Sender, SendResult } from '../outbox.js';
import type { Stream, TokenSigner } from '../security-events.js';
import { plain } from '../text.js';
import { type Answer, post } from './post.js';

interface Parts {
  readonly streams: readonly Stream[];
  readonly signer: TokenSigner | undefined;
  readonly allowed: CidrSet;
  /** PEM, besides the system's. */
  readonly ca: string | undefined;
}

const AT_ONCE_MAX = 4;
/** RFC 8935 section 2.4: codes after which the same token would be refused again. */
const FINAL_ERRORS = new Set(['invalid_request', 'invalid_key', 'invalid_issuer', 'invalid_audience']);

/** Push delivery of security event tokens, RFC 8935. */
export function pushSender({ streams, signer, allowed, ca }: Parts): Sender {
  const byName = new Map(streams.map((each) => [each.name, each]));
  return {
    atOnceMax: AT_ONCE_MAX,
    destination: ({ recipient }) => recipient,
    send: async (delivery, signal) => {
      const stream = byName.get(delivery.recipient);
      if (stream?.url === undefined || signer === undefined)
        return {
          ok: false,
          permanent: true,
          problem: `there is no push stream ${delivery.recipient} any more`,
        };
      const answer = await post({
        url: stream.url,
        headers: {
          'content-type': 'application/secevent+jwt',
          accept: 'application/json',
          'user-agent': 'keyward',
          ...(stream.authorization === undefined ? {} : { authorization: `Bearer ${stream.authorization}` }),
        },
        body: await signer.token(delivery, stream.audience),
        allowed,
        ca,
        signal,
      });
      return judged(answer);
    },
  };
}

/** 202 is the receipt (section 2.2), and no other 2xx is one. */
function judged(answer: Answer): SendResult {
  if (!answer.ok) return answer;
  if (answer.status === 202) return { ok: true };
  const error = answer.status === 400 ? errorCode(answer.body) : undefined;
  const problem = `answered ${answer.status}${error === undefined ? '' : ` (${plain(error)})`}`;
  return { ok: false, permanent: error !== undefined && FINAL_ERRORS.has(error), problem };
}

function errorCode(body: string): string | undefined {
  try {
    const { err } = JSON.parse(body) as { err?: unknown };
    return typeof err === 'string' ? err.slice(0, 64) : undefined;
  } catch {
    return undefined;
  }
}
