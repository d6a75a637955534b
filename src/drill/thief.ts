import http from 'node:http';
import type { UpstreamConfig } from '../config/schema.js';
import type { Incident } from '../incidents/incident.js';
import { networkOf } from '../incidents/lead.js';
import type { CredentialSource } from '../wire/credentials.js';
import { concrete, type DrillCall } from './operations.js';
import { MARK_HEADER } from './sink.js';
import type { Victim } from './victims.js';

/** Who calls, from where and with what. */
export interface Guise {
  readonly address: string;
  readonly userAgent: string;
}

/** One call of the drill: the sink knows by its mark whether it was let through. */
export interface Attempt {
  readonly mark: string;
  readonly privilege: number;
  readonly atMs: number;
}

/** Networks that hardly any owner comes from: an exit of Tor, rented servers, a phone network abroad. */
const PLACES: readonly string[] = ['185.220.101.5', '45.83.64.66', '103.216.220.7', '102.89.32.20'];
const TOOLS: readonly string[] = [
  'python-httpx/0.27.0',
  'Go-http-client/2.0',
  'axios/1.7.9',
  'okhttp/4.12.0',
];
const ANSWER_MS = 10_000;

/** Somebody whom no incident knows: what was found out about others must not be taken for his. */
export function strangerTo(incidents: readonly Incident[]): Guise {
  const trails = incidents.flatMap((each) => each.trails);
  const address = PLACES.find((each) => !trails.some(({ networks }) => networks.has(networkOf(each))));
  const userAgent = TOOLS.find((each) => !trails.some(({ clients }) => clients.has(each)));
  return { address: address ?? (PLACES[0] as string), userAgent: userAgent ?? (TOOLS[0] as string) };
}

/** Calls through the guard as a client would. */
export class Caller {
  readonly #port: number;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  readonly #upstreamOf: (victim: Victim) => UpstreamConfig;
  #count = 0;

  constructor(port: number, upstreamOf: (victim: Victim) => UpstreamConfig) {
    this.#port = port;
    this.#upstreamOf = upstreamOf;
  }

  call(victim: Victim, guise: Guise, call: DrillCall): Promise<Attempt> {
    this.#count += 1;
    const mark = `${victim.id}-${this.#count}`;
    const body = call.method === 'GET' ? '' : '{}';
    const { name, hosts, credentials } = this.#upstreamOf(victim);
    const source = credentials.find((each) => each.in !== 'basic' || each.part !== 'both');
    if (source === undefined)
      throw new Error(
        `upstream ${name} takes user name and password as one credential; no key of ours is that.`,
      );
    const presented = presentedAs(source, victim.credential);
    return new Promise((resolve, reject) => {
      const request = http.request(
        {
          ...{ host: '127.0.0.1', port: this.#port, method: call.method },
          path: concrete(call.path) + presented.query,
          ...{ agent: this.#agent, timeout: ANSWER_MS },
          headers: {
            host: hosts[0] ?? 'localhost',
            ...presented.headers,
            'x-forwarded-for': guise.address,
            'user-agent': guise.userAgent,
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            [MARK_HEADER]: mark,
          },
        },
        (response) => {
          response.resume();
          response.on('end', () => resolve({ mark, privilege: call.privilege, atMs: Date.now() }));
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

/** The key where the upstream's clients put it. */
function presentedAs(
  source: CredentialSource,
  credential: string,
): { headers: Record<string, string>; query: string } {
  const inHeader = (name: string, value: string) => ({ headers: { [name]: value }, query: '' });
  switch (source.in) {
    case 'header':
      return inHeader(source.name, credential);
    case 'authorization':
      return inHeader('authorization', `${source.scheme} ${credential}`);
    case 'basic': {
      const pair = source.part === 'username' ? `${credential}:` : `drill:${credential}`;
      return inHeader('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
    }
    case 'query':
      return { headers: {}, query: `?${new URLSearchParams({ [source.name]: credential })}` };
    case 'cookie':
      return inHeader('cookie', `${source.name}=${credential}`);
  }
}
