import { z } from '@hono/zod-openapi';
import { sealInput } from '../../keys/inputs.js';
import type { SealedService } from '../../keys/sealed-service.js';
import { adminRouter, body, json, operation } from '../api.js';
import { conflict, invalid, notFound } from '../problem.js';
import { sealedView, viewSealed } from '../views.js';

const params = z.object({ name: z.string() });
const sealedParams = z.object({
  name: sealInput.shape.name,
});
const tags = ['sealed credentials'];

export function sealedRoutes(sealed: SealedService) {
  const app = adminRouter();
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/sealed',
      tags,
      summary: 'List sealed credentials, without their secrets',
      responses: { 200: json(z.object({ sealed: z.array(sealedView) }), 'All of them.') },
    }),
    (c) => c.json({ sealed: sealed.list().map(viewSealed) }, 200),
  );
  app.openapi(
    operation({
      method: 'put',
      path: '/v1/sealed/{name}',
      tags,
      summary: 'Seal a credential of an upstream, or replace it',
      request: { params: sealedParams, body: body(sealInput.omit({ name: true })) },
      responses: { 200: json(sealedView, 'What is kept, without the secret.'), ...invalid },
    }),
    async (c) => {
      const input = { ...c.req.valid('json'), name: c.req.valid('param').name };
      return c.json(viewSealed(await sealed.set(c.get('operator').name, input)), 200);
    },
  );
  app.openapi(
    operation({
      method: 'delete',
      path: '/v1/sealed/{name}',
      tags,
      summary: 'Remove a sealed credential that no key uses',
      request: { params },
      responses: { 204: { description: 'Removed.' }, ...notFound, ...conflict },
    }),
    async (c) => {
      await sealed.remove(c.get('operator').name, c.req.valid('param').name);
      return c.body(null, 204);
    },
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/sealed/rewrap',
      tags,
      summary: 'Wrap all under the master key in use',
      responses: { 200: json(z.object({ wrapped: z.number().int() }), 'How many were.'), ...conflict },
    }),
    async (c) => c.json({ wrapped: await sealed.rewrap(c.get('operator').name) }, 200),
  );
  return app;
}
