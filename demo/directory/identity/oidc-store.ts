import type { Adapter, AdapterPayload } from 'oidc-provider';
import { sha256 } from '../ids.js';
import type { JsonObject } from '../model.js';
import type { DirectoryStore } from '../store.js';
import { applicationByClient, applicationSecret, redirectUrisOf } from './applications.js';

interface OidcRecord {
  readonly sealed: string;
  readonly expiresAt: number;
  readonly uid: string | null;
  readonly grant: string | null;
}

/**
 * Where the OpenID provider keeps sessions, codes and tokens: under the hash of their name and sealed, so that the
 * data open nothing. Clients are the organisations' applications.
 */
export class OidcStore implements Adapter {
  readonly #store: DirectoryStore;
  readonly #model: string;

  constructor(store: DirectoryStore, model: string) {
    this.#store = store;
    this.#model = model;
  }

  #key(id: string): string[] {
    return ['oidc', this.#model, sha256(id)];
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const key = this.#key(id);
    const record: OidcRecord = {
      sealed: this.#store.vault.seal(JSON.stringify(payload), key.join(' ')),
      expiresAt: Date.now() + expiresIn * 1000,
      uid: payload.uid === undefined ? null : sha256(payload.uid),
      grant: payload.grantId === undefined ? null : sha256(payload.grantId),
    };
    await this.#store.change(() => this.#store.hidden.put(key, record));
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#model === 'Client' ? this.#client(id) : this.#read(this.#key(id));
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const wanted = sha256(uid);
    const found = this.#store.hidden
      .under<OidcRecord>(['oidc', this.#model])
      .find(({ value }) => value.uid === wanted);
    return found === undefined ? undefined : this.#read(found.key);
  }

  /** No flow with user codes is switched on. */
  async findByUserCode(): Promise<undefined> {
    return undefined;
  }

  async destroy(id: string): Promise<void> {
    await this.#store.change(() => this.#store.hidden.remove(this.#key(id)));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    const grant = sha256(grantId);
    await this.#store.change(() => {
      for (const { key, value } of this.#store.hidden.under<OidcRecord>(['oidc', this.#model]))
        if (value.grant === grant) this.#store.hidden.remove(key);
    });
  }

  async consume(id: string): Promise<void> {
    const key = this.#key(id);
    await this.#store.change(() => {
      const [record, payload] = [this.#store.hidden.get<OidcRecord>(key), this.#read(key)];
      if (record === undefined || payload === undefined) return;
      const text = JSON.stringify({ ...payload, consumed: Math.floor(Date.now() / 1000) });
      this.#store.hidden.put(key, { ...record, sealed: this.#store.vault.seal(text, key.join(' ')) });
    });
  }

  #read(key: string[]): AdapterPayload | undefined {
    const record = this.#store.hidden.get<OidcRecord>(key);
    if (record === undefined || record.expiresAt <= Date.now()) return undefined;
    const text = this.#store.vault.open(record.sealed, key.join(' '));
    return text === undefined ? undefined : (JSON.parse(text) as AdapterPayload);
  }

  #client(id: string): AdapterPayload | undefined {
    const application = applicationByClient(this.#store, id);
    if (application === undefined) return undefined;
    const secret = applicationSecret(this.#store, application, 'clientSecret');
    if (secret === undefined) return undefined;
    const client: JsonObject = {
      ...{
        client_id: id,
        client_secret: secret,
        client_name: String(application.document.displayName || application.document.name),
      },
      ...{ redirect_uris: redirectUrisOf(application.document), response_types: ['code'] },
      ...{ grant_types: ['authorization_code'], token_endpoint_auth_method: 'client_secret_basic' },
    };
    return client as AdapterPayload;
  }
}
