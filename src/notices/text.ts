import { counted } from '../core/counted.js';
import { seen } from '../core/unseen.js';
import type { KeyFacts, TenantFacts } from './facts.js';

/** The sections of a notice in words. Everything that comes from elsewhere goes through `plain`. */

const VALUE_CHARS_MAX = 160;
const LINES_MAX = 200;

/** A thief chooses the names of objects: none may become a link, a second line or a picture of other text. */
export function plain(value: string): string {
  const safe = seen(value, ' ')
    .replaceAll('://', '[:]//')
    .replace(/\bwww\./gi, 'www[.]');
  return safe.length > VALUE_CHARS_MAX ? `${safe.slice(0, VALUE_CHARS_MAX - 1)}…` : safe;
}

/** `2026-11-24 08:15:02 UTC` */
export function instant(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');
}

function listed(lines: readonly string[], none: string): string {
  if (lines.length === 0) return none;
  const more = lines.length - LINES_MAX;
  if (more <= 0) return lines.join('\n');
  return [...lines.slice(0, LINES_MAX), `… and ${more} more; the signed file has all of them.`].join('\n');
}

function nameOf({ name, id }: KeyFacts): string {
  return `${plain(name)} (${plain(id)})`;
}

export function summaryOf({ keys, touched }: TenantFacts): string {
  const used = keys.filter(({ operations }) => operations.length > 0).length;
  const unused = keys.length - used;
  // Keys that were made with a stolen one are suspect even where nobody has used them.
  const more =
    unused === 0
      ? ''
      : ` ${counted(unused, 'more key is', 'more keys are')} suspect, though not used by anybody else.`;
  return touched
    ? `Somebody other than the owner used ${counted(used, 'API key')} of your organisation.${more} This notice says what was done. It is about your keys only.`
    : `We reset ${counted(keys.length, 'API key')} of your organisation as a precaution, because of an incident that touched others. Your keys were NOT touched: we found nothing that somebody else did with them.`;
}

export function keysOf({ keys }: TenantFacts): string {
  return listed(
    keys.map((key) => `- ${nameOf(key)}, used by ${plain(key.principal)}`),
    'None.',
  );
}

export function groundsOf({ grounds }: TenantFacts): string {
  return listed(
    grounds.map((each) => `- ${plain(each)}`),
    'No call of these keys is among those of the incident.',
  );
}

export function whenOf({ keys }: TenantFacts): string {
  return listed(
    keys.map((key) => {
      const { compromisedFromMs: from, compromisedLatestMs: latest, lastMisuseMs: last } = key;
      const began =
        from !== undefined && latest !== undefined
          ? `misuse began between ${instant(from)} and ${instant(latest)}`
          : from !== undefined
            ? `misuse began after ${instant(from)}`
            : latest !== undefined
              ? `misuse began before ${instant(latest)}`
              : 'when misuse began is not known';
      const ended = last === undefined ? 'no later misuse was seen' : `it was last seen at ${instant(last)}`;
      return `- ${nameOf(key)}: ${began}; ${ended}.`;
    }),
    'Not known.',
  );
}

export function actionsOf({ keys }: TenantFacts): string {
  return keys.map(actionsOfKey).join('\n\n');
}

function actionsOfKey(key: KeyFacts): string {
  const operations = key.operations.map(
    ({ name, privilege, succeeded, refused, firstMs, lastMs }) =>
      `  - ${plain(name)} (privilege ${privilege} of 4): ${succeeded} done, ${refused} refused, from ${instant(firstMs)} to ${instant(lastMs)}`,
  );
  const objects = key.objects.map(
    ({ id, effect, count }) => `  - ${effect}: ${plain(id)}${count === 1 ? '' : ` (${count} times)`}`,
  );
  return [
    `${nameOf(key)}`,
    `Operations:\n${listed(operations, '  none')}`,
    `Objects:\n${listed(objects, '  none')}`,
    `Bytes that left in answers: ${key.bytesOut}`,
    `Places it was used from: ${key.places.map(plain).join('; ') || 'not known'}`,
  ].join('\n');
}

export function measuresOf({ keys }: TenantFacts): string {
  const lines = keys.flatMap((key) =>
    key.measures.map(({ act, atMs, receipt }) => {
      const proof = receipt === undefined ? '' : `, receipt ${plain(receipt)}`;
      return `- ${nameOf(key)}: ${plain(act)} at ${instant(atMs)}${proof}`;
    }),
  );
  return listed(lines, 'Nothing was changed on these keys.');
}

/** Where replacement keys are picked up. */
export interface PickUp {
  /** Without scheme: a name to type, not a link. */
  readonly address: string;
  readonly untilMs: number;
  readonly keys: number;
}

export function adviceOf(facts: TenantFacts, pickUp: PickUp | undefined): string {
  const effects = new Set(facts.keys.flatMap(({ objects }) => objects.map(({ effect }) => effect)));
  const steps = [
    pickUp === undefined
      ? 'Ask us for replacement keys in the way that you always do, and put them where the old ones were.'
      : `Pick up ${counted(pickUp.keys, 'replacement key')} until ${instant(pickUp.untilMs)}: type the address ${plain(pickUp.address)} into a browser by hand, compare it with the one you were given when your keys were set up, and enter the one-time code from the end of the e-mail. Each code works once.`,
  ];
  if (effects.has('created'))
    steps.push('Look at the objects listed as created; remove those that you did not make.');
  if (effects.has('changed') || effects.has('deleted'))
    steps.push('Look at the objects listed as changed or deleted, and put them back as they were.');
  if (effects.has('read'))
    steps.push('Treat what was in the objects listed as read as known to somebody else.');
  if (facts.touched)
    steps.push('Look for the place where the old keys were kept, and close it before new ones go there.');
  steps.push(
    'Nobody needs a password of yours for this. Whoever asks for one because of this notice is not us.',
  );
  return steps.map((step, at) => `${at + 1}. ${step}`).join('\n');
}

export function checkOf(publicKey: string): string {
  return [
    'This notice has no links and asks nobody to log in. The attached file keyward-notice.json holds the same facts, signed.',
    'Check it offline, with the public key that you noted before this message came:',
    '  keyward notices verify keyward-notice.json --public-key KEY',
    `The file says that its key is ${publicKey}`,
    'That says something only if your own note says the same.',
  ].join('\n');
}
