/**
 * Field names of an `application/x-www-form-urlencoded` body (WHATWG URL section 5.1) while it streams by:
 * lower case; `user[password]` and `user.password` are both `user.password`. Values are not kept.
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
      else if (byte === EQUALS) this.#inValue = true;
      else if (!this.#inValue) this.#addByte(byte);
    }
  }

  /** The body is over. */
  end(): void {
    if (this.fault === undefined) this.#endField();
  }

  #addByte(byte: number): void {
    if (this.#name.length === NAME_BYTES_MAX) this.fault = `a field name longer than ${NAME_BYTES_MAX} bytes`;
    else this.#name.push(byte === PLUS ? SPACE : byte);
  }

  #endField(): void {
    const raw = String.fromCharCode(...this.#name);
    this.#name = [];
    this.#inValue = false;
    if (raw === '') return;
    let name: string;
    try {
      name = decodeURIComponent(raw).toLowerCase();
    } catch {
      this.fault = 'a field name that cannot be decoded';
      return;
    }
    const parts = name.split(/[[\].]+/).filter((part) => part !== '');
    for (let depth = 1; depth <= Math.min(parts.length, NAMED_DEPTH_MAX); depth += 1) {
      if (this.names.size === NAMES_MAX) {
        this.fault = `more than ${NAMES_MAX} field names`;
        return;
      }
      this.names.add(parts.slice(0, depth).join('.'));
    }
  }
}

const NAMES_MAX = 512;
const NAME_BYTES_MAX = 256;
const NAMED_DEPTH_MAX = 4;

const SPACE = 0x20;
const AMPERSAND = 0x26;
const PLUS = 0x2b;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
