import { describeLine, formatOfLine } from '../../../wire/logs/detect.js';
import type { LogFormat } from '../../../wire/logs/formats.js';
import type { AccessLogMapping } from '../../../wire/logs/json-access.js';
import { PROBE_BYTES } from './layout.js';
import type { TextBlock } from './texts.js';

/** Texts that are looked at, however long they are. */
const PROBED_TEXTS = 20;
/** Faults that are looked at before there is a text. */
const PROBED_FAULTS = 10_000;

/** What the first texts of a log tell of its format. */
export class FormatProbe {
  readonly #mapping: AccessLogMapping | undefined;
  #format: LogFormat | undefined;
  #texts = 0;
  #chars = 0;
  #first: string | undefined;
  #faults = 0;
  #fault: string | undefined;

  /** @param given in place of what the content says */
  constructor(given: LogFormat | undefined, mapping: AccessLogMapping | undefined) {
    this.#format = given;
    this.#mapping = mapping;
  }

  get format(): LogFormat | undefined {
    return this.#format;
  }

  /** Nothing known was found where it should have been. */
  get hopeless(): boolean {
    if (this.#format !== undefined) return false;
    return this.#faults >= PROBED_FAULTS || (this.#texts >= PROBED_TEXTS && this.#chars >= PROBE_BYTES);
  }

  /** Why the first text that cannot be used at all cannot. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** What the log holds instead, for the message; undefined where it holds nothing. */
  get description(): string | undefined {
    if (this.#first !== undefined) return describeLine(this.#first);
    return this.#fault === undefined ? undefined : `only what is ${this.#fault}`;
  }

  look(block: TextBlock): void {
    if (this.#format !== undefined) return;
    block.each(
      (text) => this.#lookAt(text),
      (_, reason) => {
        this.#faults += 1;
        this.#fault ??= reason;
      },
    );
  }

  #lookAt(text: string): void {
    if (this.#format !== undefined || this.hopeless) return;
    this.#texts += 1;
    this.#chars += text.length + 1;
    this.#first ??= text;
    this.#format = formatOfLine(text, this.#mapping);
  }
}
