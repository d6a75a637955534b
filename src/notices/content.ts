import type { KeyStore, NoticeStore } from '../engine/ports.js';
import type { Fingerprints } from '../keys/fingerprint.js';
import { WEBHOOKS } from '../keys/inputs.js';
import type { SealedService } from '../keys/sealed-service.js';
import type { EmailContent } from './channels/email.js';
import type { Delivery, SignedNotice } from './records.js';
import { codeText } from './reset/code.js';
import { plain } from './text.js';

interface Parts {
  readonly store: KeyStore;
  readonly notices: NoticeStore;
  readonly fingerprints: Fingerprints;
  readonly sealed: SealedService;
}

/** What goes out for a delivery, made when it goes out: secrets are opened or derived then, and kept nowhere. */
export class Content {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Or why there is none. */
  email(delivery: Delivery): EmailContent | string {
    const notice = this.#parts.notices.notice(delivery.notice ?? '');
    if (notice?.signed === undefined || notice.approved === undefined)
      return 'the notice is not there any more';
    const { signed, subject = '', approved, codes = [] } = notice;
    return { signed, subject, approvedMs: approved.atMs, appendix: this.#appendix(codes) };
  }

  webhook(delivery: Delivery): { signed: SignedNotice; secrets: string[] } | string {
    const { notices, store, sealed } = this.#parts;
    const notice = notices.notice(delivery.notice ?? '');
    if (notice?.signed === undefined) return 'the notice is not there any more';
    const contact = store
      .tenant(notice.tenant)
      ?.contacts?.webhooks.find(({ url }) => url === delivery.recipient);
    if (contact === undefined) return `tenant ${notice.tenant} does not have this webhook any more`;
    return {
      signed: notice.signed,
      secrets: contact.secrets.map((name) => sealed.open(name, WEBHOOKS).value),
    };
  }

  /** The codes, apart from the signed text: the file may be passed on, they may not. */
  #appendix(codes: readonly string[]): string {
    if (codes.length === 0) return '';
    const { notices, store, fingerprints } = this.#parts;
    const lines = codes.flatMap((id) => {
      const code = notices.code(id);
      if (code === undefined) return [];
      const name = plain(store.key(code.key)?.name ?? code.key);
      return [`- ${name} (${code.key}):`, `  ${codeText(code, fingerprints)}`];
    });
    return [
      '',
      'ONE-TIME CODES',
      'Not part of the signed file. Whoever has a code can pick up the key: do not pass this part on.',
      ...lines,
      '',
    ].join('\n');
  }
}
