import type { RouteConfig } from '@hono/zod-openapi';
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import type { Operator } from '../engine/ports.js';
import { methodsAt } from './described.js';
import { problem, problems } from './problem.js';

/** What every handler finds in its context. */
export interface AdminEnv {
  Variables: { operator: Operator };
}

export type AdminApp = OpenAPIHono<AdminEnv>;

/** More than any id has; the store takes no longer ones. */
export const ID_CHARS_MAX = 256;
/** Of a path with an id in it. */
export const params = z.object({ id: z.string().max(ID_CHARS_MAX) });

/** A router whose bad input is answered with every field that is wrong, and a wrong method with those there are. */
export function adminRouter(nothing = 'There is nothing at this path.'): AdminApp {
  const app = new OpenAPIHono<AdminEnv>({
    defaultHook: (result, c) => {
      if (result.success) return undefined;
      const errors = result.error.issues.map((issue) => ({
        field: issue.path.map(String).join('.'),
        message: issue.message,
      }));
      const detail = errors.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`));
      return problem(c, 422, 'invalid', detail.join('; '), errors);
    },
  });
  app.notFound((c) => {
    const methods = methodsAt(app, c.req.path).join(', ');
    if (methods === '') return problem(c, 404, 'not_found', nothing);
    c.header('allow', methods);
    return problem(c, 405, 'method_not_allowed', `${c.req.path} takes ${methods}, not ${c.req.method}.`);
  });
  return app;
}

/** A route that needs an operator: any role where it only reads, else an admin. */
export function operation<R extends Omit<RouteConfig, 'security'>>(route: R) {
  return createRoute({
    ...route,
    security: [{ operator: [] }],
    responses: { ...route.responses, ...problems } as R['responses'] & typeof problems,
  });
}

export function json<S extends z.ZodType>(schema: S, description: string) {
  return { description, content: { 'application/json': { schema } } } as const;
}

export function body<S extends z.ZodType>(schema: S) {
  return { required: true, content: { 'application/json': { schema } } } as const;
}
