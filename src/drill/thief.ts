import http from 'node:http';
import { concrete, type DrillCall } from './operations.js';
import { MARK_HEADER } from './sink.js';
import type { Victim } from './victims.js';

/** Who calls, from where and with what. */
export interface Guise {
  readonly address: string;
  readonly userAgent: string;
}

/** One call of the drill and what became of it. */
export interface Attempt {
  readonly key: string;
  readonly mark: string;
  readonly privilege: number;
  readonly atMs: number;
  readonly status: number;
}

/** Networks that hardly any owner comes from: an exit of Tor, rented servers, a phone network abroad. */
export const PLACES: readonly string[] = ['185.220.101.5', '45.83.64.66', '103.216.220.7', '102.89.32.20'];
export const TOOL = 'python-httpx/0.27.0';
const ANSWER_MS = 10_000;

/** Calls through the guard as a client would. */
export class Caller {
  readonly #port: number;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  readonly #hostOf: (victim: Victim) => string;
  #count = 0;

  constructor(port: number, hostOf: (victim: Victim) => string) {
    this.#port = port;
    this.#hostOf = hostOf;
  }

  call(victim: Victim, guise: Guise, call: DrillCall): Promise<Attempt> {
    this.#count += 1;
    const mark = `${victim.id}-${this.#count}`;
    const body = call.method === 'GET' ? '' : '{}';
    return new Promise((resolve, reject) => {
      const request = http.request(
        {
          ...{ host: '127.0.0.1', port: this.#port, method: call.method, path: concrete(call.path) },
          ...{ agent: this.#agent, timeout: ANSWER_MS },
          headers: {
            host: this.#hostOf(victim),
            'x-api-key': victim.credential,
            'x-forwarded-for': guise.address,
            'user-agent': guise.userAgent,
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            [MARK_HEADER]: mark,
          },
        },
        (response) => {
          response.resume();
          response.on('end', () =>
            resolve({
              ...{ key: victim.id, mark, privilege: call.privilege, atMs: Date.now() },
              status: response.statusCode ?? 0,
            }),
          );
        },
      );
      request.on('timeout', () => request.destroy(new Error('no answer')));
      request.on('error', reject);
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
