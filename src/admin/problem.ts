import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { ConfigFault } from '../config/load.js';
import { JournalFault } from '../journal/fault.js';
import { ActFault } from '../keys/acts.js';
import { SealFault } from '../keys/seal.js';

/** RFC 9457 problem details, with every field that is wrong. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem');

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

export function problem(
  c: Context,
  status: ContentfulStatusCode,
  code: string,
  detail: string,
  errors?: readonly FieldError[],
): Response {
  const body = {
    type: `urn:keyward:problem:${code}`,
    title: TITLES[status] ?? 'Error',
    status,
    detail,
    errors,
  };
  return c.body(`${JSON.stringify(body)}\n`, status, {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...(status === 401 ? { 'www-authenticate': 'Bearer realm="keyward admin"' } : {}),
  });
}

const ACT_STATUS = { not_found: 404, conflict: 409, invalid: 422 } as const;

/** Whatever a handler throws, as a problem; what is not expected is told without its inside. */
export function problemOf(c: Context, error: unknown, unexpected: (error: unknown) => void): Response {
  if (error instanceof ActFault) return problem(c, ACT_STATUS[error.code], error.code, error.message);
  if (error instanceof ConfigFault) {
    const errors = error.problems.map(({ file, line, field, message }) => ({
      field: `${file}:${line}${field === '' ? '' : ` ${field}`}`,
      message,
    }));
    return problem(c, 422, 'config_invalid', 'The configuration is not valid; nothing was changed.', errors);
  }
  if (error instanceof JournalFault) {
    const status = error.code === 'journal_entry_missing' ? 404 : 503;
    return problem(c, status, error.code, error.message);
  }
  if (error instanceof SealFault) return problem(c, 409, 'seal', error.message);
  if (error instanceof HTTPException) return problem(c, error.status, 'request', error.message);
  unexpected(error);
  return problem(c, 500, 'internal', 'Something went wrong inside Keyward; its log says what.');
}

const content = { 'application/problem+json': { schema: problemSchema } };

/** Responses that every operation may give. */
export const problems = {
  400: {
    description: 'It is no request for this operation: a parameter that there is none of, say.',
    content,
  },
  401: { description: 'No operator token, or not a valid one.', content },
  403: { description: 'The role of the operator does not allow this.', content },
} as const;
export const notFound = { 404: { description: 'There is no such thing.', content } } as const;
export const conflict = { 409: { description: 'It cannot be done in this state.', content } } as const;
export const invalid = { 422: { description: 'A field is not valid.', content } } as const;
