import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { AdminApp, AdminEnv } from './api.js';
import { problem } from './problem.js';

/** In hono's routes: for whatever method, as middleware is. */
const ANY = 'ALL';

/** Methods that something answers to at this path; none where there is nothing. RFC 9110 section 10.2.1. */
export function methodsAt(app: AdminApp, path: string): string[] {
  const all = new Set(app.routes.map(({ method }) => method));
  all.delete(ANY);
  const methods = [...all].filter((method) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method),
  );
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods;
}

/** Whoever misspells the name of a query parameter must not take the whole for what he asked for. */
export function knownParameters(app: AdminApp): MiddlewareHandler<AdminEnv> {
  let named: ReadonlyMap<string, readonly string[]> | undefined;
  return async (c, next) => {
    named ??= parametersOf(app);
    const route = matchedRoutes(c).find(({ method }) => method !== ANY);
    const known = route && named.get(`${route.method} ${route.path}`);
    const given = new Set(new URL(c.req.url).searchParams.keys());
    const unknown = known && [...given].filter((name) => !known.includes(name));
    if (known === undefined || unknown === undefined || unknown.length === 0) return next();
    const names = known.length === 0 ? 'it takes none' : `it takes ${known.join(', ')}`;
    const errors = unknown.map((field) => ({ field, message: `is no query parameter here; ${names}` }));
    const detail = errors.map(({ field, message }) => `${field} ${message}`).join('; ');
    return problem(c, 400, 'unknown_parameter', `${detail}.`, errors);
  };
}

/** Names of query parameters, by route as hono writes it: all that the description tells of. */
function parametersOf({ openAPIRegistry }: AdminApp): Map<string, readonly string[]> {
  return new Map(
    openAPIRegistry.definitions.flatMap((definition) => {
      if (definition.type !== 'route') return [];
      const { method, path, request } = definition.route;
      const shape = request?.query && 'shape' in request.query ? request.query.shape : {};
      return [[`${method.toUpperCase()} ${path.replaceAll(/{(.+?)}/g, ':$1')}`, Object.keys(shape)]];
    }),
  );
}
