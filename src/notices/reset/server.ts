import type http from 'node:http';
import { PlaceLimiter } from '../../core/place-limiter.js';
import {
  type Forwarding,
  listenPublicly,
  type PublicAddress,
  type PublicListener,
  placeOf,
} from '../../public/listener.js';
import { askPage, keyPage, PAGE_HEADERS, usedPage } from './page.js';
import type { PickedUp, PickUp } from './pick-up.js';

export interface ResetServerOptions extends PublicAddress {
  /** Codes tried from one address in a minute. */
  readonly triesPerMinute: number;
  readonly forwarding: () => Forwarding;
  readonly pickUp: PickUp;
  readonly now: () => number;
  readonly failed: (error: unknown) => void;
}

const BODY_BYTES_MAX = 4 * 1024;
const TITLES: Record<number, string> = {
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
};

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The key that is handed over with it. */
  readonly handsOver?: { readonly code: string; readonly key: string };
}

/** The public listener where replacement keys are picked up: a page and an API, and nothing of the admin API. */
export async function serveReset(options: ResetServerOptions): Promise<PublicListener> {
  const limiter = new PlaceLimiter(options.triesPerMinute);
  const handler = (request: http.IncomingMessage, response: http.ServerResponse) => {
    answer(options, limiter, request)
      .catch((error): Reply => {
        options.failed(error);
        return problem(
          500,
          'internal',
          'Something went wrong; nothing of your code is lost. Try again later.',
        );
      })
      .then((reply) => send(options, reply, response))
      .catch(options.failed);
  };
  return listenPublicly(options, handler);
}

function send(options: ResetServerOptions, reply: Reply, response: http.ServerResponse): void {
  const { handsOver } = reply;
  // Only once the whole answer is with the network is the code used up; before, it may be tried again.
  if (handsOver !== undefined)
    response.once('finish', () => {
      options.pickUp.handedOver(handsOver.code, handsOver.key).catch(options.failed);
    });
  response.writeHead(reply.status, {
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'content-length': Buffer.byteLength(reply.body),
    // What is left unread of a body that was refused must not be read as the next request.
    ...(reply.status >= 400 ? { connection: 'close' } : {}),
    ...reply.headers,
  });
  response.end(reply.body);
}

async function answer(
  options: ResetServerOptions,
  limiter: PlaceLimiter,
  request: http.IncomingMessage,
): Promise<Reply> {
  const { url, method } = request;
  const page = url === '/';
  if (!page && url !== '/v1/pick-up') return problem(404, 'not_found', 'There is nothing at this path.');
  if (page && (method === 'GET' || method === 'HEAD')) return html(200, askPage());
  if (method !== 'POST') {
    const refused = problem(405, 'method', 'A code is sent by POST, never in an address.');
    return { ...refused, headers: { ...refused.headers, allow: page ? 'GET, HEAD, POST' : 'POST' } };
  }
  const rate = limiter.take(placeOf(request, options.forwarding()), options.now());
  const headers = {
    'ratelimit-policy': `"pick-up";q=${options.triesPerMinute};w=60`,
    ratelimit: `"pick-up";r=${rate.remaining};t=${rate.resetSeconds}`,
  };
  const reply = rate.allowed
    ? await pickedUp(options, request, page)
    : problem(429, 'rate', `Too many tries; try again in ${rate.resetSeconds} s.`);
  const wait: Record<string, string> = rate.allowed ? {} : { 'retry-after': String(rate.resetSeconds) };
  return { ...reply, headers: { ...reply.headers, ...headers, ...wait } };
}

async function pickedUp(
  { pickUp }: ResetServerOptions,
  request: http.IncomingMessage,
  page: boolean,
): Promise<Reply> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  const expected = page ? 'application/x-www-form-urlencoded' : 'application/json';
  if (type !== expected) return problem(415, 'content_type', `Send ${expected}.`);
  const body = await bodyOf(request);
  if (body === undefined) return problem(413, 'body_too_large', `At most ${BODY_BYTES_MAX} bytes.`);
  const code = page ? (new URLSearchParams(body).get('code') ?? undefined) : codeInJson(body);
  if (code === undefined) return problem(422, 'invalid', 'Send {"code": "…"}.');
  const result = await pickUp.pickUp(code);
  return page ? pageOf(result) : jsonOf(result);
}

const REFUSED = 'This code is not valid, or no longer valid.';

function pageOf(result: PickedUp): Reply {
  if (result.kind === 'refused') return html(403, askPage(REFUSED));
  if (result.kind === 'used') return html(410, usedPage(new Date(result.atMs).toISOString()));
  const { key, credential, code } = result;
  return { ...html(200, keyPage(key.name, credential)), handsOver: { code, key: key.id } };
}

function jsonOf(result: PickedUp): Reply {
  if (result.kind === 'refused') return problem(403, 'code', REFUSED);
  if (result.kind === 'used') {
    const usedAt = new Date(result.atMs).toISOString();
    return problem(410, 'code_used', `The key of this code was picked up at ${usedAt}.`, { usedAt });
  }
  const { key, credential, code } = result;
  const body = {
    key: { id: key.id, name: key.name, tenant: key.tenant, replaces: key.replaces },
    credential,
  };
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: `${JSON.stringify(body)}\n`,
    handsOver: { code, key: key.id },
  };
}

function html(status: number, body: string): Reply {
  return { status, headers: PAGE_HEADERS, body };
}

function problem(status: number, code: string, detail: string, more: object = {}): Reply {
  const body = {
    type: `urn:keyward:problem:${code}`,
    title: TITLES[status] ?? 'Error',
    status,
    detail,
    ...more,
  };
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: `${JSON.stringify(body)}\n`,
  };
}

function codeInJson(body: string): string | undefined {
  try {
    const { code } = JSON.parse(body) as { code?: unknown };
    return typeof code === 'string' ? code : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined when it is too long. */
function bodyOf(request: http.IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) {
        request.pause();
        resolve(undefined);
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
  });
}
