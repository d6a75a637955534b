import { z } from '@hono/zod-openapi';
import { adminRouter, body, json, operation, params } from '../api.js';
import type { Operators } from '../operators.js';
import { conflict, invalid, notFound } from '../problem.js';
import { operatorView, viewOperator } from '../views.js';

const operatorInput = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/, 'letters, digits and . _ @ - only, at most 64'),
  role: z.enum(['admin', 'viewer']),
});
const tags = ['operators'];

export function operatorRoutes(operators: Operators) {
  const app = adminRouter();
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/operators',
      tags,
      summary: 'List operators',
      responses: { 200: json(z.object({ operators: z.array(operatorView) }), 'All, revoked ones too.') },
    }),
    (c) => c.json({ operators: operators.list().map(viewOperator) }, 200),
  );
  app.openapi(
    operation({
      method: 'get',
      path: '/v1/operators/self',
      tags,
      summary: 'Whose token this is',
      responses: { 200: json(operatorView, 'The operator.') },
    }),
    (c) => c.json(viewOperator(c.get('operator')), 200),
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/operators',
      tags,
      summary: 'Add an operator',
      request: { body: body(operatorInput) },
      responses: {
        201: json(z.object({ operator: operatorView, token: z.string() }), 'The token is shown this once.'),
        ...conflict,
        ...invalid,
      },
    }),
    async (c) => {
      const { name, role } = c.req.valid('json');
      const { operator, token } = await operators.add(c.get('operator').name, name, role);
      return c.json({ operator: viewOperator(operator), token }, 201);
    },
  );
  app.openapi(
    operation({
      method: 'post',
      path: '/v1/operators/{id}/revoke',
      tags,
      summary: 'Revoke the token of an operator, by id or name',
      request: { params },
      responses: { 200: json(operatorView, 'The operator.'), ...notFound, ...conflict },
    }),
    async (c) =>
      c.json(viewOperator(await operators.revoke(c.get('operator').name, c.req.valid('param').id)), 200),
  );
  return app;
}
