import { lowerName, type ResponseHead } from './http-head.js';

/** Answers to creations are small; of a larger one nothing is kept. */
const BYTES_MAX = 16_384;
/** Fields by which APIs name what they have made, in the order in which they are looked for. */
const ID_FIELDS = ['_id', 'id', 'objectId', 'uuid'];
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\b/i;

/** What has such a name may be opened by its id alone: that is a secret, and is not kept. */
const OPENED_BY_ID =
  /session|token|secret|credential|api-?_?keys?\b|account-?_?keys?\b|reset|recover|invit|magic|share|presign|device\/code|log-?_?in|sign-?_?in|auth|sso|saml|otp|challenge|ticket|webhook/i;
/** Identifiers by their shape: 24 hex digits, a uuid, a whole number. Anything else might open something. */
const IDENTIFIER = /^(?:[0-9a-f]{24}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\d{1,15})$/i;

/** Whether the answer to a request may name what it has created by an id that is no secret. */
export function mayName(method: string, path: string): boolean {
  return method === 'POST' && !OPENED_BY_ID.test(path);
}

/**
 * The id of what a request has created, read from its answer as that goes by: a field of its JSON object, of `data` or of the
 * only object one level below that has one, else the end of `Location` (RFC 9110 section 10.2.2). Nothing else of the answer is kept.
 */
export class CreatedObject {
  readonly #location: string | undefined;
  #slices: Buffer[] | undefined;
  #bytes = 0;

  constructor({ headers, framing }: ResponseHead) {
    const value = (name: string) => {
      const at = headers.findIndex((each, i) => i % 2 === 0 && lowerName(each) === name);
      return at === -1 ? undefined : headers[at + 1];
    };
    this.#location = value('location');
    const readable = JSON_TYPE.test(value('content-type') ?? '') && value('content-encoding') === undefined;
    if (readable && (framing.kind !== 'length' || framing.bytes <= BYTES_MAX)) this.#slices = [];
  }

  /** @param slice of the payload; it is copied, as its memory is used again */
  take(slice: Buffer): void {
    if (this.#slices === undefined) return;
    this.#bytes += slice.length;
    if (this.#bytes > BYTES_MAX) this.#slices = undefined;
    else this.#slices.push(Buffer.from(slice));
  }

  /** Undefined where the answer does not tell. */
  id(): string | undefined {
    return this.#inBody() ?? lastSegment(this.#location);
  }

  #inBody(): string | undefined {
    if (this.#slices === undefined || this.#bytes === 0) return undefined;
    let answer: unknown;
    try {
      answer = JSON.parse(Buffer.concat(this.#slices).toString());
    } catch {
      return undefined;
    }
    if (!isObject(answer)) return undefined;
    const [own, data] = [idOf(answer), idOf(answer.data)];
    const below = new Set(Object.values(answer).flatMap((value) => idOf(value) ?? []));
    // Of several objects one level below, nothing says which one is new.
    return own ?? data ?? (below.size === 1 ? [...below][0] : undefined);
  }
}

function idOf(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  const id = ID_FIELDS.map((field) => value[field]).find(isId);
  return id === undefined ? undefined : String(id);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is string | number {
  return typeof value === 'number'
    ? Number.isSafeInteger(value)
    : typeof value === 'string' && IDENTIFIER.test(value);
}

function lastSegment(location: string | undefined): string | undefined {
  const segment = location
    ?.replace(/[?#].*$/s, '')
    .split('/')
    .filter((each) => each !== '')
    .at(-1);
  const secret = location !== undefined && OPENED_BY_ID.test(location);
  return !secret && isId(segment) ? segment : undefined;
}
