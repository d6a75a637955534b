/** A key that Keyward issued, wherever it stands in a text, also where that was put in lower case. */
const KEY_TEXT = /kw_([a-z0-9]{1,16})_([0-9a-z]{12})_[0-9a-z]{38}/gi;
/** A shorter credential may be a word of any text. */
const CREDENTIAL_CHARS_MIN = 12;
const REDACTED = '[redacted]';

/** What looks like a key of ours is cut down to its id: a slip elsewhere does not become a leak. */
export function withoutKeys(text: string): string {
  return text.replace(KEY_TEXT, `kw_$1_$2_${REDACTED}`);
}

/** A text that the client chose, as it may be kept: without keys of ours, and without the credential it came with. */
export function withoutSecrets(text: string, credential: string | undefined): string {
  const kept = withoutKeys(text);
  if (credential === undefined || credential.length < CREDENTIAL_CHARS_MIN) return kept;
  return kept.replaceAll(credential, REDACTED).replaceAll(credential.toLowerCase(), REDACTED);
}

/** The same of a path as it came, also where its segments are percent-encoded. */
export function pathWithoutSecrets(path: string, credential: string | undefined): string {
  const kept = withoutSecrets(path, credential);
  if (!kept.includes('%')) return kept;
  return kept
    .split('/')
    .map((segment) => {
      const decoded = decodedOr(segment);
      const clean = withoutSecrets(decoded, credential);
      return clean === decoded ? segment : clean.replaceAll('%', '%25');
    })
    .join('/');
}

function decodedOr(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
