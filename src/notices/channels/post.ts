import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import type { CidrSet } from '../../wire/cidr.js';
import { resolvePublic } from './public-address.js';

export interface PostOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Networks inside that the operator permits; only there may it be `http:`. */
  readonly allowed: CidrSet;
  readonly signal: AbortSignal;
  /** A CA to trust besides the system's, PEM. */
  readonly ca: string | undefined;
}

/** What a receiver said; its body is cut off at a bound, and never followed, run or kept. */
export type Answer =
  | { readonly ok: true; readonly status: number; readonly body: string }
  | { readonly ok: false; readonly permanent: boolean; readonly problem: string };

const ANSWER_BYTES_MAX = 16 * 1024;

/**
 * POSTs to an address that a tenant named: resolved once, checked, and connected to exactly there, so that no
 * second answer of a name server can lead inside. Redirects are answers like others: they are not followed.
 */
export async function post(options: PostOptions): Promise<Answer> {
  const url = new URL(options.url);
  const resolved = await abortable(resolvePublic(url.hostname, options.allowed), options.signal);
  if (resolved === undefined) return transient(`${url.hostname} was not resolved in time`);
  if (!resolved.ok) return resolved;
  if (url.protocol === 'http:' && !options.allowed.has(resolved.address))
    return { ok: false, permanent: true, problem: 'plain http: is only for networks in allowNetworks' };
  return new Promise((done) => exchange(url, resolved, options, done));
}

function exchange(
  url: URL,
  at: { readonly address: string; readonly family: 4 | 6 },
  options: PostOptions,
  done: (answer: Answer) => void,
): void {
  const lookup: LookupFunction = (_host, { all }, give) =>
    all === true ? give(null, [at]) : give(null, at.address, at.family);
  const client = url.protocol === 'https:' ? https : http;
  let status: number | undefined;
  const failed = (error: NodeJS.ErrnoException) => {
    const timedOut = options.signal.aborted;
    const what = timedOut ? 'gave no answer in time' : `failed (${error.code ?? 'protocol error'})`;
    done(transient(`${url.host} ${what}`));
  };
  const request = client.request(
    url,
    {
      method: 'POST',
      agent: false,
      lookup,
      signal: options.signal,
      headers: { ...options.headers, 'content-length': Buffer.byteLength(options.body) },
      ...(options.ca === undefined ? {} : { ca: [...rootCertificates, options.ca] }),
    },
    (response) => {
      status = response.statusCode ?? 0;
      let body = '';
      let bytes = 0;
      const end = () => done({ ok: true, status: status ?? 0, body });
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        body += chunk.toString('latin1');
        // The status is what counts; nobody may keep us busy with the rest.
        if (bytes > ANSWER_BYTES_MAX) {
          body = body.slice(0, ANSWER_BYTES_MAX);
          end();
          request.destroy();
        }
      });
      response.on('end', end);
      response.on('error', failed);
    },
  );
  request.on('error', failed);
  request.end(options.body);
}

function transient(problem: string): Answer {
  return { ok: false, permanent: false, problem };
}

/** Undefined when the signal comes first: name servers may hang, too. */
function abortable<T>(task: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve(undefined);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    task.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
