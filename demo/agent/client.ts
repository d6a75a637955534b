import { createHash, type KeyObject, randomUUID, sign } from 'node:crypto';
import {
  type CheckedIn,
  type CheckIn,
  checkedInSchema,
  enrolledSchema,
  type Inventory,
  type RunResult,
} from '../agent-protocol.js';
import { AGENT_VERSION } from './inventory.js';

/** The directory does not take this agent for one of its own. */
export class Refused extends Error {}

const ANSWER_MS_MAX = 15_000;

/** Asks the directory, each request signed by the agent's own key over its first line, its date and its body. */
export class DirectoryClient {
  readonly #base: URL;
  readonly #key: KeyObject;

  constructor(base: URL, key: KeyObject) {
    this.#base = base;
    this.#key = key;
  }

  async enrol(connectKey: string, publicKey: string, inventory: Inventory): Promise<string> {
    const headers = { 'x-connect-key': connectKey };
    const answer = await this.#post('/demo/agents', 'enrolment', { publicKey, inventory }, { headers });
    return enrolledSchema.parse(answer).systemId;
  }

  async checkIn(systemId: string, report: CheckIn, signal: AbortSignal): Promise<CheckedIn> {
    const options = { signal, waitMs: report.waitMs };
    const path = `/demo/agents/${systemId}/check-in`;
    return checkedInSchema.parse(await this.#post(path, `system/${systemId}`, report, options));
  }

  async report(systemId: string, result: RunResult): Promise<void> {
    await this.#post(`/demo/agents/${systemId}/results`, `system/${systemId}`, result);
  }

  async #post(
    path: string,
    keyId: string,
    body: unknown,
    {
      headers = {},
      signal,
      waitMs = 0,
    }: { headers?: Record<string, string>; signal?: AbortSignal; waitMs?: number } = {},
  ): Promise<unknown> {
    // A write is accepted once: the number makes each request its own.
    const url = new URL(`${path}?n=${randomUUID()}`, this.#base);
    const text = JSON.stringify(body);
    const limit = AbortSignal.timeout(waitMs + ANSWER_MS_MAX);
    const response = await fetch(url, {
      method: 'POST',
      body: text,
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      headers: { ...headers, ...this.#signature('POST', url, keyId, text) },
    });
    const answer = await response.text();
    if (response.status === 401) throw new Refused(answer);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${answer}`);
    return JSON.parse(answer);
  }

  #signature(method: string, { pathname, search }: URL, keyId: string, body: string) {
    const date = new Date().toUTCString();
    const digest = `SHA-256=${createHash('sha256').update(body).digest('base64')}`;
    const signed = `${method} ${pathname}${search} HTTP/1.1\ndate: ${date}\ndigest: ${digest}`;
    const signature = sign('RSA-SHA256', Buffer.from(signed), this.#key).toString('base64');
    const given = `keyId="${keyId}",headers="request-line date digest",algorithm="rsa-sha256"`;
    return {
      ...{ date, digest, 'content-type': 'application/json', 'user-agent': `demo-agent/${AGENT_VERSION}` },
      authorization: `Signature ${given},signature="${signature}"`,
    };
  }
}
