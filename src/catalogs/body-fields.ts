import { FormNames } from './form-names.js';
import { JsonNames } from './json-names.js';

/** What is known of a request body's field names. Names are in lower case, with dots into nested objects. */
export type BodyFields =
  | { readonly kind: 'known'; readonly names: ReadonlySet<string> }
  /** Counts as the worst case of the operation; `names` are those seen before it became unreadable. */
  | { readonly kind: 'unknown'; readonly names: ReadonlySet<string>; readonly why: string };

export interface BodyHeaders {
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
}

/** How far into a body the guard looks before it forwards anything. */
export const LOOK_AHEAD_BYTES_MAX = 65_536;

/**
 * Gathers the field names of a JSON or form body from its chunks, which are neither kept nor changed. Whatever
 * does not say that it is a form must be JSON: many servers parse it as such whatever its type.
 */
export class BodyFieldReader {
  readonly #names: JsonNames | FormNames;
  readonly #bytesMax: number;
  #why: string | undefined;
  #bytes = 0;
  #begun = false;

  constructor(headers: BodyHeaders, bytesMax = LOOK_AHEAD_BYTES_MAX) {
    const [type, ...parameters] = (headers.contentType ?? '').toLowerCase().split(';');
    const form = type?.trim() === 'application/x-www-form-urlencoded';
    this.#names = form ? new FormNames() : new JsonNames();
    this.#bytesMax = bytesMax;
    const encoding = headers.contentEncoding?.trim().toLowerCase() ?? '';
    const charset = parameters.map((each) => /^\s*charset\s*=\s*"?([^"\s]*)/.exec(each)?.[1]).find(Boolean);
    if (encoding !== '' && encoding !== 'identity') this.#why = 'the body is compressed';
    else if (type?.trim().startsWith('multipart/')) this.#why = 'the body has several parts';
    else if (charset !== undefined && !/^(?:utf-?8|us-ascii)$/.test(charset))
      this.#why = 'the body is not UTF-8';
  }

  /** Whether more chunks can still change the answer. */
  get done(): boolean {
    return this.#why !== undefined || this.#names.fault !== undefined;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    let rest = chunk;
    if (!this.#begun) {
      this.#begun = true;
      const first = chunk[0] as number;
      if (this.#names instanceof FormNames && (first === 0x7b || first === 0x5b))
        this.#why ??= 'the body says form and looks like JSON';
    }
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bytesMax) {
      this.#why ??= `the body is longer than ${this.#bytesMax} bytes`;
      rest = chunk.subarray(0, Math.max(0, chunk.length - (this.#bytes - this.#bytesMax)));
    }
    this.#names.push(rest);
  }

  /** The body is over. */
  end(): BodyFields {
    if (!this.#begun) return NO_FIELDS;
    this.#names.end();
    return this.#result();
  }

  /** The body goes on, but nobody waits for it: what was seen of it, and the worst case for the rest. */
  cut(): BodyFields {
    this.#why ??= 'the body was not seen to its end';
    return this.#result();
  }

  #result(): BodyFields {
    const { names, fault } = this.#names;
    const why = this.#why ?? fault;
    return why === undefined ? { kind: 'known', names } : { kind: 'unknown', names, why };
  }
}

/** A request without a body. */
export const NO_FIELDS: BodyFields = { kind: 'known', names: new Set() };

/** @param complete false where `bytes` is only how the body begins */
export function bodyFieldsOf(bytes: Uint8Array, headers: BodyHeaders = {}, complete = true): BodyFields {
  const reader = new BodyFieldReader(headers);
  reader.push(bytes);
  return complete ? reader.end() : reader.cut();
}
