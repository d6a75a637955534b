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
 * Gathers the field names of a JSON or form body from its chunks, which are neither kept nor changed. Only what every
 * server would read alike is known: a body of another type, or that may be read as another type, is not.
 */
export class BodyFieldReader {
  readonly #names: JsonNames | FormNames;
  readonly #bytesMax: number;
  /** Bytes that are no UTF-8 are read in many ways. */
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #why: string | undefined;
  #bytes = 0;

  constructor(headers: BodyHeaders, bytesMax = LOOK_AHEAD_BYTES_MAX) {
    const type = (headers.contentType ?? '').toLowerCase();
    this.#names = FORM.test(type) ? new FormNames() : new JsonNames();
    this.#bytesMax = bytesMax;
    const encoding = headers.contentEncoding?.trim().toLowerCase() ?? '';
    this.#why = encoding !== '' && encoding !== 'identity' ? 'the body is compressed' : faultOfType(type);
  }

  /** Whether more chunks can still change the answer. */
  get done(): boolean {
    return this.#why !== undefined || this.#names.fault !== undefined;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    let rest = chunk;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bytesMax) {
      this.#why ??= `the body is longer than ${this.#bytesMax} bytes`;
      rest = chunk.subarray(0, Math.max(0, chunk.length - (this.#bytes - this.#bytesMax)));
    }
    this.#decode(rest, true);
    this.#names.push(rest);
  }

  /** The body is over. */
  end(): BodyFields {
    if (this.#bytes === 0) return NO_FIELDS;
    this.#decode(EMPTY, false);
    this.#names.end();
    return this.#result();
  }

  /** The body goes on, but nobody waits for it: what was seen of it, and the worst case for the rest. */
  cut(): BodyFields {
    this.#why ??= 'the body was not seen to its end';
    return this.#result();
  }

  #decode(bytes: Uint8Array, stream: boolean): void {
    if (this.#why !== undefined) return;
    try {
      this.#utf8.decode(bytes, { stream });
    } catch {
      this.#why = 'the body is not UTF-8';
    }
  }

  #result(): BodyFields {
    const { names, fault } = this.#names;
    const why = this.#why ?? fault ?? (isPatch(names) ? 'a patch tells fields in its values' : undefined);
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

const EMPTY = new Uint8Array();
const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/;
const JSON_TYPE = /^(?:application|text)\/(?:[\w.-]+\+)?json\s*(?:;|$)/;
/** Each name of a JSON patch is a value: `{"op":"add","path":"/password"}`. */
const PATCH_TYPE = /json-patch/;
const CHARSET = /^charset\s*=\s*"?(?:utf-?8|us-ascii)"?$/;

/** Why a body of this type cannot be judged. `type` in lower case; empty where there is none. */
function faultOfType(type: string): string | undefined {
  if (type === '') return undefined;
  // A list has no meaning here: servers take the first, the last or all of it.
  if (type.includes(',')) return 'the body has more than one type';
  if (type.startsWith('multipart/')) return 'the body has several parts';
  if (PATCH_TYPE.test(type)) return 'a patch tells fields in its values';
  if (!FORM.test(type) && !JSON_TYPE.test(type)) return 'the body is neither JSON nor a form';
  const charsets = type.split(';').map((each) => each.trim());
  return charsets.some((each) => each.startsWith('charset') && !CHARSET.test(each))
    ? 'the body is not UTF-8'
    : undefined;
}

/** JSON patch (RFC 6902) and SCIM's operations, whatever type they are sent as. */
function isPatch(names: ReadonlySet<string>): boolean {
  for (const name of names) {
    if (name !== 'op' && !name.endsWith('.op')) continue;
    if (names.has(`${name.slice(0, -2)}path`)) return true;
  }
  return false;
}
