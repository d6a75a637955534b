import { fieldName } from './field-name.js';

/**
 * Field names of an `application/x-www-form-urlencoded` body (WHATWG URL section 5.1) while it streams by:
 * lower case; `user[password]` and `user.password` are both `user.password`. Values are not kept. Strict, because some
 * servers read JSON and more whatever the type: a byte that no form leaves bare where it stands is a fault.
 */
export class FormNames {
  readonly names = new Set<string>();
  fault: string | undefined;
  #name: number[] = [];
  #inValue = false;

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && this.fault === undefined; at += 1) {
      const byte = bytes[at] as number;
      // Some servers still take `;` for a separator: it is one here, too, which can only add names.
      if (byte === AMPERSAND || byte === SEMICOLON) this.#endField();
      else if (byte < SPACE) this.fault = 'a control character that no form has';
      else if (byte === EQUALS) this.#inValue = true;
      else if (!this.#inValue) this.#addByte(byte);
    }
  }

  /** The body is over. */
  end(): void {
    if (this.fault === undefined) this.#endField();
  }

  #addByte(byte: number): void {
    if (!BARE.has(byte)) this.fault = 'a field name as no form writes it';
    else if (this.#name.length === NAME_BYTES_MAX)
      this.fault = `a field name longer than ${NAME_BYTES_MAX} bytes`;
    else this.#name.push(byte === PLUS ? SPACE : byte);
  }

  #endField(): void {
    const raw = String.fromCharCode(...this.#name);
    this.#name = [];
    this.#inValue = false;
    if (raw === '') return;
    const name = decoded(raw);
    if (name === undefined) {
      this.fault = 'a field name that cannot be decoded';
      return;
    }
    this.#add(name);
    // PHP's name for it.
    const other = name.replace(/^[^[]*/, (base) => base.replace(/[ .]/g, '_'));
    if (other !== name) this.#add(other);
  }

  /** `items[0][id]` is `items.id`, as in JSON. */
  #add(name: string): void {
    const parts = name.split(/[[\].]+/).filter((part) => part !== '' && !/^\d+$/.test(part));
    for (let depth = 1; depth <= parts.length; depth += 1) {
      if (this.names.size === NAMES_MAX) {
        this.fault = `more than ${NAMES_MAX} field names`;
        return;
      }
      this.names.add(parts.slice(0, depth).join('.'));
    }
  }
}

function decoded(raw: string): string | undefined {
  try {
    return fieldName(decodeURIComponent(raw))?.trim();
  } catch {
    return undefined;
  }
}

const NAMES_MAX = 512;
const NAME_BYTES_MAX = 256;
/** Bytes of a name that some client leaves as they are. */
const BARE = new Set(
  [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+%[]*!$'():@"].map((each) =>
    each.charCodeAt(0),
  ),
);

const SPACE = 0x20;
const AMPERSAND = 0x26;
const PLUS = 0x2b;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
