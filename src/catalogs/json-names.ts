import { fieldName } from './field-name.js';

/**
 * Field names of a JSON text (RFC 8259) while it streams by, in bytes: `mfa` and, for nested objects,
 * `mfa.exclusion`, in lower case; arrays add nothing, so the fields of `[{"id":1}]` are `id`. Strict, because
 * what a lenient server would read otherwise must not pass as known: a comment, a trailing comma, NaN or an
 * unquoted name is a fault. Memory is bounded; values are not kept.
 */
export class JsonNames {
  readonly names = new Set<string>();
  /** Why this is not JSON that can be judged. */
  fault: string | undefined;
  #state: State = 'value';
  /** Open containers; an object holds its path, an array that of its elements. */
  readonly #open: { readonly array: boolean; readonly path: string; readonly depth: number }[] = [];
  /** Path that the next value has. */
  #path = '';
  #depth = 0;
  /** A name or a literal as far as it has been seen. */
  #token: number[] = [];
  #key = false;
  #escaped = false;
  /** Digits of a `\u` escape that are still to come. */
  #hexLeft = 0;

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && this.fault === undefined; at += 1) {
      if (this.#state === 'string' && !this.#key) at = this.#skipValue(bytes, at);
      if (at < bytes.length) this.#take(bytes[at] as number);
    }
  }

  /** The next byte of a string value that matters: most of a body is such values. */
  #skipValue(bytes: Uint8Array, from: number): number {
    let at = from;
    if (this.#escaped || this.#hexLeft > 0) return at;
    for (; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) break;
    }
    return at;
  }

  /** The text is over. */
  end(): void {
    if (this.#state === 'literal') this.#endLiteral();
    if (this.fault === undefined && this.#state !== 'end') this.fault = 'the JSON ends in the middle';
  }

  #take(byte: number): void {
    switch (this.#state) {
      case 'string':
        return this.#inString(byte);
      case 'literal':
        if (isLiteral(byte)) {
          if (this.#token.length === LITERAL_BYTES_MAX) this.fault = 'a number or word too long';
          else this.#token.push(byte);
          return;
        }
        this.#endLiteral();
        if (this.fault === undefined) this.#take(byte);
        return;
      default:
        if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return;
        return this.#structure(byte);
    }
  }

  #structure(byte: number): void {
    switch (this.#state) {
      case 'first-value':
        if (byte === ARRAY_END) return this.#close(true);
        return this.#beginValue(byte);
      case 'value':
        return this.#beginValue(byte);
      case 'first-name':
        if (byte === OBJECT_END) return this.#close(false);
        return this.#beginName(byte);
      case 'name':
        return this.#beginName(byte);
      case 'colon':
        if (byte !== COLON) return this.#refuse(byte);
        this.#state = 'value';
        return;
      case 'after':
        return this.#afterValue(byte);
      default:
        return this.#refuse(byte);
    }
  }

  #beginValue(byte: number): void {
    if (byte === QUOTE) {
      this.#key = false;
      this.#state = 'string';
    } else if (byte === OBJECT) this.#enter(false);
    else if (byte === ARRAY) this.#enter(true);
    else if (isLiteral(byte)) {
      this.#token = [byte];
      this.#state = 'literal';
    } else this.#refuse(byte);
  }

  #beginName(byte: number): void {
    if (byte !== QUOTE) return this.#refuse(byte);
    this.#key = true;
    this.#token = [];
    this.#state = 'string';
  }

  #enter(array: boolean): void {
    if (this.#open.length === DEPTH_MAX) {
      this.fault = `JSON nested deeper than ${DEPTH_MAX}`;
      return;
    }
    this.#open.push({ array, path: this.#path, depth: this.#depth });
    this.#state = array ? 'first-value' : 'first-name';
  }

  #close(array: boolean): void {
    const closed = this.#open.pop();
    if (closed === undefined || closed.array !== array) {
      this.fault = 'brackets that do not match';
      return;
    }
    this.#endValue();
  }

  #endValue(): void {
    this.#state = this.#open.length === 0 ? 'end' : 'after';
  }

  #afterValue(byte: number): void {
    const parent = this.#open.at(-1);
    if (parent === undefined) return this.#refuse(byte);
    if (byte === COMMA) {
      this.#path = parent.path;
      this.#depth = parent.depth;
      this.#state = parent.array ? 'value' : 'name';
    } else if (byte === (parent.array ? ARRAY_END : OBJECT_END)) this.#close(parent.array);
    else this.#refuse(byte);
  }

  #inString(byte: number): void {
    if (byte < 0x20) return this.#refuse(byte);
    if (byte === QUOTE && !this.#escaped && this.#hexLeft === 0) {
      if (!this.#key) return this.#endValue();
      this.#endName();
      return;
    }
    if (this.#hexLeft > 0) {
      if (!isHex(byte)) return this.#refuse(byte);
      this.#hexLeft -= 1;
    } else if (this.#escaped) {
      if (!ESCAPED.has(byte)) return this.#refuse(byte);
      this.#escaped = false;
      if (byte === LETTER_U) this.#hexLeft = 4;
    } else this.#escaped = byte === BACKSLASH;
    if (!this.#key) return;
    if (this.#token.length === NAME_BYTES_MAX)
      this.fault = `a field name longer than ${NAME_BYTES_MAX} bytes`;
    else this.#token.push(byte);
  }

  #endName(): void {
    const name = nameOf(this.#token);
    if (name === undefined) {
      this.fault = 'a field name that cannot be decoded';
      return;
    }
    const parent = this.#open.at(-1) as { path: string; depth: number };
    this.#path = below(parent, name);
    if (this.#path.length > PATH_CHARS_MAX) this.fault = 'field names nested too long';
    else if (this.names.size === NAMES_MAX && !this.names.has(this.#path))
      this.fault = `more than ${NAMES_MAX} field names`;
    else this.names.add(this.#path);
    this.#depth = parent.depth + 1;
    this.#state = 'colon';
  }

  #endLiteral(): void {
    if (LITERAL.test(String.fromCharCode(...this.#token))) this.#endValue();
    else this.fault = 'a value that is not JSON';
  }

  #refuse(byte: number): void {
    this.fault =
      byte > 0x20 && byte < 0x7f
        ? `${JSON.stringify(String.fromCharCode(byte))} where JSON has none`
        : 'a byte where JSON has none';
  }
}

type State =
  | 'value'
  | 'first-value'
  | 'name'
  | 'first-name'
  | 'colon'
  | 'string'
  | 'literal'
  | 'after'
  | 'end';

const NAMES_MAX = 512;
const NAME_BYTES_MAX = 256;
/** Of deeper fields the last names are told. */
const NAMED_DEPTH_MAX = 4;
const PATH_CHARS_MAX = 1024;
const DEPTH_MAX = 128;
const LITERAL_BYTES_MAX = 64;
const LITERAL = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

/** What may follow a backslash. */
const ESCAPED = new Set([...'"\\/bfnrtu'].map((each) => each.charCodeAt(0)));
const LETTER_U = 0x75;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const ARRAY_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What stands between the quotes. Throws where that is no JSON string. */
function textOf(token: readonly number[]): string {
  if (token.every((byte) => byte < 0x80 && byte !== BACKSLASH)) return String.fromCharCode(...token);
  return JSON.parse(`"${utf8.decode(Uint8Array.from(token))}"`) as string;
}

/** Escapes count: "pass\u0077ord" is the same field. */
function nameOf(token: readonly number[]): string | undefined {
  try {
    return fieldName(textOf(token));
  } catch {
    return undefined;
  }
}

function below(parent: { readonly path: string; readonly depth: number }, name: string): string {
  if (parent.depth === 0) return name;
  const path = parent.depth < NAMED_DEPTH_MAX ? parent.path : parent.path.slice(parent.path.indexOf('.') + 1);
  return `${path}.${name}`;
}

function isHex(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

/** Letters, digits, `+`, `-` and `.`. */
function isLiteral(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  );
}
