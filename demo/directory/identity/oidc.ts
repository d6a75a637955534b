import type { IncomingMessage, ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { interactionPolicy, Provider } from 'oidc-provider';
import { accountOf, type Identity, mayEnter } from './accounts.js';
import { applicationByClient, mayOpen } from './applications.js';
import { OidcStore } from './oidc-store.js';

export const OIDC_PATH = '/oidc';
const KEYS = ['oidc-keys'];
const MINUTES = 60;

/** The one provider of all organisations: the client says which. A certified library does the protocol. */
export async function oidcProvider(identity: Identity): Promise<Provider> {
  const { store, origin } = identity;
  const { check, Prompt, Check } = { check: interactionPolicy.base(), ...interactionPolicy };
  check.remove('login');
  // Each time, so that a portal session that ended, or an application that was taken away, counts at once.
  const ask = new Check('portal', 'The user has to come through the directory.', (ctx) =>
    ctx.oidc.result?.login === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
  );
  check.add(new Prompt({ name: 'login', requestable: true }, ask), 0);
  const provider = new Provider(`${origin}${OIDC_PATH}`, {
    adapter: class extends OidcStore {
      constructor(model: string) {
        super(store, model);
      }
    },
    jwks: { keys: [await signingKey(identity)] },
    cookies: { keys: [store.vault.mac('oidc cookies')], names: { session: 'oidc' } },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: own },
      revocation: { enabled: true, allowedPolicy: own },
      rpInitiatedLogout: { enabled: false },
    },
    interactions: { policy: check, url: (_, { uid }) => `/sso/oidc/${uid}` },
    claims: {
      openid: ['sub', 'amr'],
      email: ['email', 'email_verified'],
      profile: ['name', 'preferred_username'],
    },
    scopes: ['openid'],
    pkce: { required: () => true },
    ttl: {
      AccessToken: 10 * MINUTES,
      IdToken: 10 * MINUTES,
      Interaction: 30 * MINUTES,
      Grant: 60 * MINUTES,
      Session: 60 * MINUTES,
    },
    ...{ findAccount: (ctx, sub) => findAccount(identity, ctx.oidc.client?.clientId, sub) },
    loadExistingGrant: async ({ oidc }) => {
      if (oidc.client === undefined || oidc.session?.accountId === undefined) return undefined;
      // The organisation has agreed for its users when it set the application up.
      const grant = new oidc.provider.Grant({
        clientId: oidc.client.clientId,
        accountId: oidc.session.accountId,
      });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
    renderError: (ctx, out) => {
      ctx.type = 'text/plain';
      ctx.body = `The application's request cannot be answered: ${out.error}.\n`;
    },
  });
  provider.proxy = true;
  return provider;
}

/** A token is the business of the application that it was made for: others are told nothing of it. */
const own = (_: unknown, client: { clientId: string }, token: { clientId?: string | undefined }): boolean =>
  token.clientId === client.clientId;

/** Looked up at every token and every question about a user: who was locked out is nobody. */
async function findAccount({ store }: Identity, clientId: string | undefined, sub: string) {
  const application = clientId === undefined ? undefined : applicationByClient(store, clientId);
  if (application === undefined) return undefined;
  const account = accountOf(store, 'user', application.organization, sub);
  if (account === undefined || !mayEnter(account) || !mayOpen(store, account, application)) return undefined;
  const { email, displayname, username } = account.document;
  return {
    accountId: sub,
    claims: () => ({
      ...{ sub, email: String(email), email_verified: true },
      ...{ name: String(displayname), preferred_username: String(username) },
    }),
  };
}

async function signingKey({ store }: Identity): Promise<JWK> {
  const record = store.hidden.get<{ sealed: string }>(KEYS);
  const text = record === undefined ? undefined : store.vault.open(record.sealed, 'oidc keys');
  if (text !== undefined) return JSON.parse(text) as JWK;
  if (record !== undefined) throw new Error('identity.key does not belong to these data.');
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const made = { ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256' };
  const sealed = store.vault.seal(JSON.stringify(made), 'oidc keys');
  await store.change(() => store.hidden.put(KEYS, { sealed }));
  return made;
}

/** The provider under its path. Addresses it writes come from the settings, not from what a client calls us. */
export function oidcListener(identity: Identity, provider: Provider) {
  const { protocol, host } = new URL(identity.origin);
  const serve = provider.callback();
  return (request: IncomingMessage & { originalUrl?: string }, response: ServerResponse): void => {
    request.originalUrl = request.url ?? '';
    request.url = request.originalUrl.slice(OIDC_PATH.length) || '/';
    request.headers.host = host;
    delete request.headers['x-forwarded-host'];
    request.headers['x-forwarded-proto'] = protocol.slice(0, -1);
    serve(request, response).catch(console.error);
  };
}
