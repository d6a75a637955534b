import { Hono } from 'hono';
import type { Directory } from '../directory.js';
import { badRequest } from '../failures.js';
import { answerV1, open, param, queryOf, readObject, type Variables } from '../http.js';
import {
  type Application,
  applicationSecret,
  clientIdOf,
  newClientSecret,
  putApplicationSecret,
  readConfig,
  ssoTypeOf,
  textOf,
} from '../identity/applications.js';
import type { Document, JsonObject } from '../model.js';
import { select } from '../query/page.js';
import { APPLICATION } from '../resources.js';

const PATH = '/api/applications';

/** Applications with their sign-in: keys and secrets go in here and never come out. */
export function applicationRoutes() {
  const routes = new Hono<{ Variables: Variables }>();
  routes.get(PATH, (c) => {
    const all = open(c, 'directory').tenant.all('application');
    return answerV1(c, select(all, queryOf(c, 1), APPLICATION.searched));
  });
  routes.post(PATH, async (c) => {
    const directory = open(c, 'directory');
    const { body, privateKey } = readConfig(await readObject(c), undefined, undefined);
    let secret: string | undefined;
    const made = await directory.create(APPLICATION, body, {}, (document) => {
      const application = of(directory, document);
      if (privateKey !== undefined)
        putApplicationSecret(directory.store, application, 'idpPrivateKey', privateKey);
      if (ssoTypeOf(document) === 'oidc') secret = newClientSecret(directory.store, application);
    });
    return c.json(shown(directory, made, secret));
  });
  routes.get(`${PATH}/:id`, (c) => {
    const directory = open(c, 'directory');
    return c.json(shown(directory, directory.get('application', param(c, 'id'))));
  });
  routes.put(`${PATH}/:id`, async (c) => {
    const directory = open(c, 'directory');
    const before = directory.get('application', param(c, 'id'));
    const key = applicationSecret(directory.store, of(directory, before), 'idpPrivateKey');
    const { body, privateKey } = readConfig(await readObject(c), textOf(before, 'idpCertificate'), key);
    // What is not named stays, as the certificate that an application was set up with.
    const config = { ...(before.config as JsonObject), ...(body.config as JsonObject | undefined) };
    const after = await directory.update(APPLICATION, before._id, { ...body, config }, (document) => {
      if (privateKey !== undefined)
        putApplicationSecret(directory.store, of(directory, document), 'idpPrivateKey', privateKey);
    });
    return c.json(shown(directory, after));
  });
  routes.delete(`${PATH}/:id`, async (c) =>
    c.json(await open(c, 'directory').remove(APPLICATION, param(c, 'id'))),
  );
  routes.post('/demo/applications/:id/clientsecret', async (c) => {
    const directory = open(c, 'directory');
    const application = of(directory, directory.get('application', param(c, 'id')));
    if (ssoTypeOf(application.document) !== 'oidc') throw badRequest('This application has no client secret');
    const changes = [{ field: 'clientSecret' }];
    const resource = { type: 'application', id: application.document._id };
    const clientSecret = await directory.change(() => {
      directory.record({ type: 'application_update', resource, changes });
      return newClientSecret(directory.store, application);
    });
    return c.json({ clientId: clientIdOf(application), clientSecret });
  });
  return routes;
}

function of(directory: Directory, document: Document): Application {
  return { organization: directory.caller.organization, document };
}

/** The secret is shown once, to whoever made the application. */
function shown(directory: Directory, document: Document, clientSecret?: string): JsonObject {
  if (ssoTypeOf(document) !== 'oidc') return document;
  const clientId = clientIdOf(of(directory, document));
  return { ...document, clientId, ...(clientSecret === undefined ? {} : { clientSecret }) };
}
