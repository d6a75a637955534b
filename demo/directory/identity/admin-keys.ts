import type { Directory } from '../directory.js';
import { isoTime, newSecret, sha256 } from '../ids.js';
import { ADMIN } from '../resources.js';

/** A new key for an administrator; the old one opens nothing from then on. All in one transaction. */
export function replaceKey(directory: Directory, id: string): Promise<string> {
  const apiKey = newSecret();
  const { store, ports, caller } = directory;
  return directory.change(() => {
    const admin = directory.patchNow(ADMIN, id, {
      ...{ apiKeyAllowed: true, apiKeySet: true },
      apiKeyUpdatedAt: isoTime(ports),
    });
    store.retireKeys(admin._id);
    store.putKey(sha256(apiKey), {
      ...{ kind: 'admin', owner: admin._id, email: String(admin.email), state: 'active', expiresAt: null },
      ...{ organization: caller.organization, provider: caller.provider },
    });
    return apiKey;
  });
}

export function replaceOwnKey(directory: Directory): Promise<string> {
  return replaceKey(directory, directory.caller.id);
}
