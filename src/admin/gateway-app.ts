import type { Registry } from 'prom-client';
import { type AdminApp, adminRouter } from './api.js';
import { authentication } from './app.js';
import type { Operators } from './operators.js';

/** Health and metrics of a further gateway. Everything else is asked of the control process. */
export function gatewayApp(parts: {
  readonly operators: Operators;
  /** Why it is not ready; empty when it is. */
  readonly problems: () => readonly string[];
  readonly metrics: Registry;
}): AdminApp {
  const app = adminRouter('There is nothing at this path of a gateway.');
  app.get('/healthz', (c) => c.text('ok\n'));
  app.get('/readyz', (c) => {
    const problems = parts.problems();
    return problems.length === 0 ? c.text('ready\n') : c.text(`not ready\n${problems.join('\n')}\n`, 503);
  });
  app.use('/metrics', authentication(parts.operators));
  app.get('/metrics', async (c) =>
    c.body(await parts.metrics.metrics(), 200, { 'content-type': parts.metrics.contentType }),
  );
  return app;
}
