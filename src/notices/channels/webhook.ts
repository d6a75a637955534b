import { Webhook } from 'standardwebhooks';
import type { CidrSet } from '../../wire/cidr.js';
import type { Sender, SendResult } from '../outbox.js';
import type { Delivery, SignedNotice } from '../records.js';
import { type Answer, post } from './post.js';

interface Parts {
  /** The notice to send, and the secrets that the tenant's receiver may hold: during a rotation there are two. */
  readonly contentOf: (
    delivery: Delivery,
  ) => { readonly signed: SignedNotice; readonly secrets: readonly string[] } | string;
  readonly allowed: CidrSet;
  /** PEM, besides the system's. */
  readonly ca: string | undefined;
  readonly now: () => number;
}

const AT_ONCE_MAX = 4;

/**
 * Standard Webhooks: `webhook-id` is the id of the delivery in every attempt, `webhook-signature` has one
 * signature for each secret.
 */
export function webhookSender({ contentOf, allowed, ca, now }: Parts): Sender {
  return {
    atOnceMax: AT_ONCE_MAX,
    destination: ({ recipient }) => (URL.canParse(recipient) ? new URL(recipient).host : recipient),
    send: async (delivery, signal) => {
      const content = contentOf(delivery);
      if (typeof content === 'string') return { ok: false, permanent: true, problem: content };
      const { signed, secrets } = content;
      const body = JSON.stringify({
        type: `notice.${String(signed.document.kind)}`,
        timestamp: signed.document.issuedAt,
        data: signed,
      });
      const time = new Date(now());
      const signature = secrets.map((secret) => new Webhook(secret).sign(delivery.id, time, body)).join(' ');
      const answer = await post({
        url: delivery.recipient,
        headers: {
          'content-type': 'application/json',
          'webhook-id': delivery.id,
          'webhook-timestamp': String(Math.floor(time.getTime() / 1000)),
          'webhook-signature': signature,
          'user-agent': 'keyward',
        },
        body,
        allowed,
        ca,
        signal,
      });
      return judged(answer);
    },
  };
}

/** 2xx is a receipt, whatever stands in it. 410 says never again; all else may get better. */
function judged(answer: Answer): SendResult {
  if (!answer.ok) return answer;
  const { status } = answer;
  if (status >= 200 && status < 300) return { ok: true };
  const redirects = status >= 300 && status < 400;
  const problem = redirects ? `answered ${status}; redirects are not followed` : `answered ${status}`;
  return { ok: false, permanent: status === 410, problem };
}
