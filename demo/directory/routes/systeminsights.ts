import { Hono } from 'hono';
import { notFound } from '../failures.js';
import { answerV2, type Http, open, param, queryOf, type Variables } from '../http.js';
import { isTable, rowsOf } from '../insights-tables.js';
import type { Document } from '../model.js';
import { select } from '../query/page.js';
import { asV2 } from '../resources.js';

/** `/api/v2/systeminsights/{table}` over all devices, `/{system}/{table}` of one. */
export function systemInsightsRoutes() {
  const routes = new Hono<{ Variables: Variables }>();
  routes.get('/api/v2/systeminsights/:table', (c) =>
    answer(c, open(c, 'directory').tenant.all('system'), param(c, 'table')),
  );
  routes.get('/api/v2/systeminsights/:id/:table', (c) =>
    answer(c, [open(c, 'directory').get('system', param(c, 'id'))], param(c, 'table')),
  );
  return routes;
}

/** @throws {Failure} 404 */
function answer(c: Http, systems: readonly Document[], table: string): Response {
  if (!isTable(table)) throw notFound();
  const { tenant } = c.get('directory');
  const rows = systems.flatMap((system) =>
    rowsOf(system, tenant.get('inventory', system._id), table).map((row, n): Document => {
      // Rows have no id of their own; the lists need one to keep their order.
      const _id = `${system._id} ${String(n).padStart(6, '0')}`;
      return { ...row, system_id: system._id, _id, id: _id };
    }),
  );
  const { total, page } = select(rows, queryOf(c, 2), ['name', 'system_id']);
  return answerV2(
    c,
    page.map(asV2).map(({ id, ...row }) => row),
    total,
  );
}
