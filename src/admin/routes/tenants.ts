import { z } from '@hono/zod-openapi';
import { idText, tenantInput } from '../../keys/inputs.js';
import type { TenantService } from '../../keys/tenants.js';
import { adminRouter, body, json, operation, params } from '../api.js';
import { conflict, invalid, notFound } from '../problem.js';

const tenantView = tenantInput.extend({ id: idText }).openapi('Tenant');
const tags = ['tenants'];

export function tenantRoutes(tenants: TenantService) {
  const app = adminRouter();
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/tenants',
      tags,
      summary: 'List tenants',
      responses: { 200: json(z.object({ tenants: z.array(tenantView) }), 'All tenants.') },
    }),
    (c) => c.json({ tenants: tenants.list() }, 200),
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/tenants/{id}',
      tags,
      summary: 'Show a tenant',
      request: { params },
      responses: { 200: json(tenantView, 'The tenant.'), ...notFound },
    }),
    (c) => c.json(tenants.show(c.req.valid('param').id), 200),
  );
  app.openapi(
    operation({
      method: 'put',
      path: '/v1/tenants/{id}',
      tags,
      summary: 'Create or replace a tenant and its locations',
      request: {
        params,
        query: z.object({ force: z.enum(['true', 'false']).default('false') }),
        body: body(tenantInput),
      },
      responses: { 200: json(tenantView, 'The tenant.'), ...conflict, ...invalid },
    }),
    async (c) => {
      const force = c.req.valid('query').force === 'true';
      const actor = c.get('operator').name;
      return c.json(await tenants.set(actor, c.req.valid('param').id, c.req.valid('json'), force), 200);
    },
  );
  app.openapi(
    operation({
      method: 'delete',
      path: '/v1/tenants/{id}',
      tags,
      summary: 'Remove a tenant that has no keys',
      request: { params },
      responses: { 204: { description: 'Removed.' }, ...notFound, ...conflict },
    }),
    async (c) => {
      await tenants.remove(c.get('operator').name, c.req.valid('param').id);
      return c.body(null, 204);
    },
  );
  return app;
}
