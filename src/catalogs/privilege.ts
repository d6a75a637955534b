import type { Privilege } from '../core/observation.js';

/** What an operation may do, and why it is thought so. */
export interface Judgement {
  readonly privilege: Privilege;
  readonly reason: string;
}

type Action = 'read' | 'write' | 'delete';

interface Rule {
  readonly words: RegExp;
  readonly actions: readonly Action[];
  readonly privilege: Privilege;
  readonly reason: string;
}

const WRITES: readonly Action[] = ['write', 'delete'];

/**
 * What the words of a path or name tell where no catalog knows the operation: the first rule that fits. Words
 * are compared in lower case as whole words or as the part written here; privilege 0 is never guessed, since
 * it opens an operation to callers without a key.
 */
const RULES: readonly Rule[] = [
  rule(
    ['write'],
    /(?:^|[/-])(?:oauth2?|connect|auth|login|signin|sessions?)[/-](?:[a-z0-9/-]*[/-])?(?:token|login|signin)$/,
    2,
    'signs in',
  ),
  rule(
    ['write'],
    /(?:^|-)(?:sessions?-(?:start|end)|sso-auth|(?:log|sign)-?(?:in|out)|authentication(?:-auth-via-[a-z-]+)?|ldap-bind)$/,
    2,
    'signs in or out',
  ),
  rule(
    WRITES,
    /passw(?:or)?d|passcode|passphrase|mfa|totp|2fa|two-?factor|\botp|webauthn|\bfido|\bfactors?\b|authenticators?\b|\brecovery/,
    4,
    'changes a password or second factor',
  ),
  rule(
    WRITES,
    /secret|credential|(?:api|access|ssh|private|signing|deploy|master|encryption)-?keys?|\btokens?\b|\bpats?\b|service-?account|certificates?|\bcerts?\b/,
    4,
    'mints, changes or removes credentials',
  ),
  rule(
    WRITES,
    /\badmins?\b|administrators?|super-?user|\bowners?\b|role-?(?:assignment|binding|mapping)|assign-?role|impersonat|assume-?role|sudo/,
    4,
    'grants or uses administrator rights',
  ),
  rule(
    WRITES,
    /\bsso\b|saml|oidc|\bidps?\b|identity-?provider|federat|\btrusts?\b|trusted-?origin|authori[sz]ation-?server|active-?director|\bldap/,
    4,
    'changes how people sign in',
  ),
  rule(
    WRITES,
    /commands?\b|\bexec\b|execute|\bshell\b|scripts?\b|run-?book|wipe|erase/,
    4,
    'runs code on devices or wipes them',
  ),
  rule(WRITES, /audit|log-?streams?|trails?\b/, 4, 'changes what is recorded'),
  rule(
    WRITES,
    /roles?\b|permissions?|privileges?\b|polic(?:y|ies)|scopes?\b|grants?\b|\bacls?\b|groups?\b|members?\b|memberships?|associations?|\bkeys?\b|\bsessions?\b|users?\b|accounts?\b|tenants?\b|organi[sz]ations?|domains?\b|web-?hooks?|\bhooks?\b|invit|suspend|unlock|transfer|integrations\b|integration-|connectors?\b|\bapps\b|applications?\b|\bzones?\b|ip-?lists?\b|approv|\bscim\b|radius|provision|id-?sources?\b|workflows?\b/,
    3,
    'changes accounts, access or integrations',
  ),
  rule(
    WRITES,
    /\/(?:re)?lock|activation-lock|lost-?mode|\breboot|\brestart|\bshutdown|\bdeploy|\/dispatch|software/,
    3,
    'acts on devices or deploys to them',
  ),
  rule(WRITES, /reveal|autofill/, 3, 'shows secrets'),
  rule(WRITES, /export|backup|restore|\bdump|bulk|migrat/, 3, 'moves data in bulk'),
  rule(
    ['read'],
    /(?:secret|credential|password|passcode|private-?key|api-?key|access-?key|recovery-?key|fde-?key|token|(?:mfa|otp|totp)-code)[a-z]*(?:-(?:value|data))?(?:\/v\d+)?$/,
    3,
    'reads secrets',
  ),
  rule(['read'], /export|backup|\bdump|audit|download/, 2, 'reads data in bulk'),
];

function rule(actions: readonly Action[], words: RegExp, privilege: Privilege, reason: string): Rule {
  return { actions, words, privilege, reason };
}

/** Reads that are sent by POST: `/users/search`, `/_count`, `/search/users`. */
const READING_WORD = /^_?m?(?:search|query|queries|list|find|filter|count|lookup|preview|validate)$/;
const READING_VERB =
  /^(?:batch-get|batch-read|get|list|describe|lookup|search|head|query|scan|select|view|check|test|preview|estimate|simulate|validate|read|download|filter|count|export)\b/;
/** At the end of a name: what reads, and what a service says of itself. */
const READING_END =
  /-(?:list|get|read|view|viewed|search|download|attempt|auth|expired|warning-email|result|discover)$/;
const DELETING =
  /(?:^|-)(?:batch-)?(?:delete|deleted|remove|removed|revoke|destroy|terminate|purge|wipe)(?:$|-)/;

/** What an operation may do when no catalog says, from its method alone: reads 1, writes 2, deletes 3. */
export function privilegeOfMethod(method: string): Privilege {
  return PLAIN[actionOf(method)].privilege;
}

/**
 * What a request may do when no catalog says, from its method and the words of its path.
 * @param segments of the path or its template; parameters in braces say nothing
 */
export function privilegeOfPath(method: string, segments: readonly string[]): Judgement {
  const literals = segments.filter((segment) => !segment.startsWith('{')).map(dashed);
  let from = 0;
  while (PREFIX.test(literals[from] ?? '')) from += 1;
  const byMethod = actionOf(method);
  const action: Action =
    method === 'POST' && (isReading(literals[from]) || isReading(literals.at(-1))) ? 'read' : byMethod;
  // What a resource is says more than what it belongs to: `/users/{id}/notes` is about notes.
  const judgement = judged(action, literals.slice(Math.max(from, literals.length - 3)).join('/'));
  return judgement.privilege < 3 && action !== 'read' && literals.slice(0, from).includes('admin')
    ? { privilege: 3, reason: 'writes to an administration API' }
    : judgement;
}

function isReading(word: string | undefined): boolean {
  return word !== undefined && READING_WORD.test(word);
}

/** Segments that say where an API is mounted. */
const PREFIX = /^(?:api|rest|v\d{1,3}|admin|internal)$/;

/** The product, not what is done to a password: `passwordmanager_item_move`. */
const VAULT = /\bpassword-?manager-/g;

/** The same for an operation known by its name only: `iam.CreateAccessKey`, `user.mfa.factor.deactivate`. */
export function privilegeOfName(name: string): Judgement {
  const at = name.indexOf('.');
  const text = dashed(name).replace(VAULT, '');
  const act = dashed(at === -1 ? name : name.slice(at + 1));
  const action: Action = DELETING.test(act)
    ? 'delete'
    : READING_VERB.test(act) || READING_END.test(act)
      ? 'read'
      : 'write';
  return judged(action, text);
}

function judged(action: Action, text: string): Judgement {
  const bounded = text.length > TEXT_CHARS_MAX ? text.slice(0, TEXT_CHARS_MAX) : text;
  for (const { actions, words, privilege, reason } of RULES)
    if (actions.includes(action) && words.test(bounded)) return { privilege, reason };
  return PLAIN[action];
}

const TEXT_CHARS_MAX = 512;

const PLAIN: Readonly<Record<Action, Judgement>> = {
  read: { privilege: 1, reason: 'reads' },
  write: { privilege: 2, reason: 'writes' },
  delete: { privilege: 3, reason: 'deletes' },
};

function actionOf(method: string): Action {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
    case 'TRACE':
      return 'read';
    case 'DELETE':
      return 'delete';
    default:
      return 'write';
  }
}

/** `resetMfa`, `reset_mfa` and `reset.mfa` as `reset-mfa`. */
function dashed(text: string): string {
  return text
    .slice(0, TEXT_CHARS_MAX)
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9/]+/g, '-')
    .replace(/^-|-$/g, '');
}
