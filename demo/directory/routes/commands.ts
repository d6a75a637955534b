import { Hono } from 'hono';
import { readRun, run, triggered } from '../commands.js';
import { answerV1, type Http, open, param, queryOf, readBody, type Variables } from '../http.js';
import { select } from '../query/page.js';
import { COMMAND_RESULT } from '../resources.js';

/** Runs, triggers and results; commands themselves are in `v1.ts`. */
export function commandRoutes() {
  const routes = new Hono<{ Variables: Variables }>();
  routes.post('/api/runcommand', async (c) => {
    const directory = open(c, 'commands');
    const { workflow, queueIds } = await run(directory, readRun(await readBody(c)));
    return c.json({ queueIds, workflowInstanceId: workflow });
  });
  routes.post('/api/command/trigger/:name', async (c) => {
    const directory = open(c, 'commands');
    const commands = triggered(directory, triggerName(c));
    for (const command of commands) await run(directory, { id: command._id, systems: [], groups: [] });
    return c.json({ triggered: commands.map(({ name }) => name ?? '') });
  });
  routes.get('/api/commands/:id/results', (c) => {
    const directory = open(c, 'commands');
    const command = directory.get('command', param(c, 'id'));
    const results = directory.tenant
      .all('commandresult')
      .filter(({ commandId }) => commandId === command._id);
    const { page } = select(results, queryOf(c, 1), COMMAND_RESULT.searched);
    return c.json(page);
  });
  routes.get('/api/commandresults', (c) =>
    answerV1(
      c,
      select(open(c, 'commands').tenant.all('commandresult'), queryOf(c, 1), COMMAND_RESULT.searched),
    ),
  );
  routes.get('/api/commandresults/:id', (c) =>
    c.json(open(c, 'commands').get('commandresult', param(c, 'id'))),
  );
  routes.delete('/api/commandresults/:id', async (c) =>
    c.json(await open(c, 'commands').remove(COMMAND_RESULT, param(c, 'id'))),
  );
  return routes;
}

/** From the path as it came: routes are matched in lower case, names are not. @throws {URIError} never */
function triggerName(c: Http): string {
  const last = new URL(c.req.url).pathname.replace(/\/$/, '').split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
