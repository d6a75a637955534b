import nodemailer from 'nodemailer';
import type { Sender, SendResult } from '../outbox.js';
import type { Delivery, SignedNotice } from '../records.js';

export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls' | 'none';
  readonly from: string;
  readonly user?: string;
  readonly password?: string;
  readonly ca?: string;
  readonly timeoutMs: number;
}

export interface EmailContent {
  readonly signed: SignedNotice;
  readonly subject: string;
  /** Behind the signed text: what must not be in the signed file, because it is a secret. */
  readonly appendix: string;
  readonly approvedMs: number;
}

interface Parts {
  readonly smtp: SmtpSettings;
  readonly contentOf: (delivery: Delivery) => EmailContent | string;
}

const AT_ONCE_MAX = 4;
/** Replies like 421 and 451 mean later, 5xx to recipient or content means never. */
const PERMANENT_FROM = 500;

/**
 * One message to one address. `Message-ID` and `Date` are the same in every attempt. The message is delivered once
 * the server has answered 250 to the end of its data: a server that dies before that is asked again.
 */
export function emailSender({ smtp, contentOf }: Parts): Sender {
  const { timeoutMs } = smtp;
  const transport = nodemailer.createTransport({
    host: smtp.host,
    port: smtp.port,
    secure: smtp.security === 'tls',
    requireTLS: smtp.security === 'starttls',
    ignoreTLS: smtp.security === 'none',
    ...(smtp.ca === undefined ? {} : { tls: { ca: smtp.ca } }),
    ...(smtp.user === undefined ? {} : { auth: { user: smtp.user, pass: smtp.password ?? '' } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = smtp.from.replace(/^.*@/, '').replace(/>$/, '');
  return {
    atOnceMax: AT_ONCE_MAX,
    destination: () => smtp.host,
    send: async (delivery, signal) => {
      const content = contentOf(delivery);
      if (typeof content === 'string') return { ok: false, permanent: true, problem: content };
      const sending = transport.sendMail({
        from: smtp.from,
        to: { name: '', address: delivery.recipient },
        subject: content.subject,
        messageId: `<${delivery.id}@${domain}>`,
        date: new Date(content.approvedMs),
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Keyward-Notice': delivery.notice ?? '' },
        text: content.signed.text + content.appendix,
        attachments: [
          {
            filename: 'keyward-notice.json',
            content: `${JSON.stringify(content.signed, null, 2)}\n`,
            contentType: 'application/json',
          },
        ],
        signal,
      });
      return sending.then((): SendResult => ({ ok: true }), problemOf);
    },
  };
}

/** The server's own words may hold anything; its number says enough. */
function problemOf(error: unknown): SendResult {
  const { responseCode, code, command } = error as {
    responseCode?: number;
    code?: string;
    command?: string;
  };
  const at = command === undefined ? '' : ` at ${command}`;
  if (responseCode === undefined)
    return { ok: false, permanent: false, problem: `the mail server failed (${code ?? 'error'}${at})` };
  // A refused login is for the operator to mend, and not the fault of the recipient.
  const permanent = responseCode >= PERMANENT_FROM && code !== 'EAUTH' && code !== 'ETLS';
  return { ok: false, permanent, problem: `the mail server answered ${responseCode}${at}` };
}
