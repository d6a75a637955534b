import { STATUS_CODES } from 'node:http';

/** A refusal as the caller sees it: RFC 9457 problem details. */
export interface Problem {
  readonly status: number;
  /** Stable code; the last part of `type`. */
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
  /** Raw header lines to add, alternating name and value. */
  readonly headers?: readonly string[];
  /** Extension members of the body. */
  readonly extra?: Readonly<Record<string, string>>;
}

/** The body of a problem, as `application/problem+json`. */
export function problemBody(problem: Problem): string {
  return `${JSON.stringify({
    type: `urn:keyward:problem:${problem.code}`,
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.detail,
    reason: problem.code,
    request_id: problem.requestId,
    ...problem.extra,
  })}\n`;
}

/** The whole HTTP/1.1 answer as text. */
export function problemResponse(problem: Problem, method: string, keepAlive: boolean): string {
  const body = problemBody(problem);
  let text = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nCache-Control: no-store\r\nDate: ${new Date().toUTCString()}\r\n`;
  if (problem.status === 401) text += 'WWW-Authenticate: Bearer realm="keyward"\r\n';
  const extra = problem.headers ?? [];
  for (let i = 0; i + 1 < extra.length; i += 2) text += `${extra[i]}: ${extra[i + 1]}\r\n`;
  if (!keepAlive) text += 'Connection: close\r\n';
  return `${text}\r\n${method === 'HEAD' ? '' : body}`;
}
