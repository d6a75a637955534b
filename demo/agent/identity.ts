import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { writeDurably } from './journal.js';

const stateSchema = z.object({ systemId: z.string().nullable(), locked: z.boolean(), sandbox: z.string() });
type State = z.infer<typeof stateSchema>;

/** Who the agent is, kept beside the sandbox, where no command reaches: its key, its id, whether it is locked. */
export class Identity {
  readonly #folder: string;
  readonly key: KeyObject;
  #state: State;

  private constructor(folder: string, key: KeyObject, state: State) {
    this.#folder = folder;
    this.key = key;
    this.#state = state;
  }

  static known(folder: string): boolean {
    return existsSync(path.join(folder, 'state.json'));
  }

  /** The key is on disk before it is told to anyone: who is killed while enrolling enrols again as the same device. */
  static async open(folder: string, sandbox: string): Promise<Identity> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const [keyFile, stateFile] = [path.join(folder, 'key.pem'), path.join(folder, 'state.json')];
    if (!existsSync(keyFile)) {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      await writeDurably(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
    }
    if (!existsSync(stateFile))
      await writeDurably(stateFile, JSON.stringify({ systemId: null, locked: false, sandbox }));
    const state = stateSchema.parse(JSON.parse(readFileSync(stateFile, 'utf8')));
    if (state.sandbox !== sandbox) throw new Error(`${folder} belongs to the sandbox ${state.sandbox}.`);
    return new Identity(folder, createPrivateKey(readFileSync(keyFile)), state);
  }

  get systemId(): string | null {
    return this.#state.systemId;
  }

  get locked(): boolean {
    return this.#state.locked;
  }

  publicKey(): string {
    return createPublicKey(this.key).export({ type: 'spki', format: 'pem' }) as string;
  }

  async set(change: Partial<Pick<State, 'systemId' | 'locked'>>): Promise<void> {
    this.#state = { ...this.#state, ...change };
    await writeDurably(path.join(this.#folder, 'state.json'), JSON.stringify(this.#state));
  }

  async destroy(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
