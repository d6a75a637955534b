import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureBuilt } from './build.mjs';
import { AWS_MORE, aws, escalations, github, keycloak, okta } from './catalog-rules.mjs';
import { root } from './install.mjs';

// Compiles catalogs/*.json from operation lists: node scripts/catalogs.mjs FOLDER, where FOLDER holds
// PROVIDER/operations.csv with the columns method, path, operationId and, for jumpcloud, privilege and reason.
// How names and privileges come about: docs/catalogs.md.

const source = process.argv[2];
if (source === undefined) {
  console.error('Name the folder with the operation lists: node scripts/catalogs.mjs FOLDER');
  process.exit(2);
}
if (!existsSync(path.join(root, 'dist', 'catalogs', 'privilege.js'))) ensureBuilt();
const { privilegeOfName, privilegeOfPath } = await import(
  path.join(root, 'dist', 'catalogs', 'privilege.js')
);

const compiled = {
  jumpcloud,
  github: githubCatalog,
  okta: oktaCatalog,
  keycloak: keycloakCatalog,
  aws: awsCatalog,
};
mkdirSync(path.join(root, 'catalogs'), { recursive: true });
for (const [name, compile] of Object.entries(compiled)) {
  const { head, operations } = compile();
  const file = path.join(root, 'catalogs', `${name}.json`);
  writeFileSync(file, written({ name, ...head }, operations));
  const counts = [0, 1, 2, 3, 4].map(
    (each) => operations.filter(({ privilege }) => privilege === each).length,
  );
  console.log(`${name}: ${operations.length} operations; by privilege 0 to 4: ${counts.join(', ')}`);
}

function jumpcloud() {
  const seen = new Set();
  const rows = csv('jumpcloud').filter(({ method, path: template }) => {
    // The same operation in two letter cases (runCommand, runcommand): case does not count when matching.
    const key = `${method} ${template.toLowerCase()}`;
    return !seen.has(key) && seen.add(key);
  });
  const operations = rows.map(({ method, path: template, privilege, reason }) => ({
    method,
    path: template,
    // The list calls 20 reads of configuration 0; they need a key all the same, and 0 would open them.
    privilege: Math.max(1, Number(privilege)),
    reason,
  }));
  return {
    head: {
      title: 'JumpCloud API v1 and v2, Directory Insights',
      origin:
        'TheJumpCloud/jcapi-powershell 82c20c19 (MIT), ConductorOne/baton-jumpcloud 03035be9 (Apache-2.0), LesterAJohn/jumpcloud-mcp 881c62be (MIT), and routes seen in real clients; privileges from the operation list, which classified method and path by ordered patterns',
      licence: 'MIT AND Apache-2.0',
    },
    operations: finish('jumpcloud', operations, (segments) =>
      segments.filter((each, at) => !(at === 0 && each === 'api')),
    ),
  };
}

function githubCatalog() {
  const rest = /\/(?:contents|git\/ref|git\/refs|git\/matching-refs)\/\{(\w+)\}$/;
  const rows = csv('github').map(({ method, path: template }) => ({
    method,
    // Paths and references contain slashes.
    path: template.replace(rest, (all, name) => all.replace(`{${name}}`, `{${name}+}`)),
  }));
  // Not in the public description.
  rows.push({ method: 'POST', path: '/graphql' });
  for (const owner of ['/orgs/{org}', '/enterprises/{enterprise}'])
    rows.push({ method: 'GET', path: `${owner}/audit-log` });
  for (const method of ['PUT', 'DELETE'])
    rows.push({ method, path: '/repos/{owner}/{repo}/contents/.github/workflows/{path+}' });
  return {
    head: {
      title: 'GitHub REST API',
      origin: 'github/rest-api-description by npm @octokit/openapi 23.0.2; privileges by rule',
      licence: 'MIT',
      alsoUnder: ['/api/v3'],
    },
    operations: finish('github', judged(rows, github), (segments) => segments),
  };
}

function oktaCatalog() {
  const rows = [...csv('okta'), ...csv('okta', 'operations-oauth.csv')];
  return {
    head: {
      title: 'Okta Management API and OAuth 2.0',
      origin: 'okta/okta-management-openapi-spec fdda229e (2026.06.3); privileges by rule',
      licence: 'Apache-2.0',
    },
    operations: finish('okta', judged(distinct(rows), okta), (segments) =>
      segments.filter((each, at) => !((at === 0 && each === 'api') || (at <= 2 && each === 'v1'))),
    ),
  };
}

function keycloakCatalog() {
  const official = csv('keycloak').map(({ method, path: template }) => ({
    method,
    path: `/admin/realms${template === '/' ? '' : template}`,
  }));
  // The client's list is newer, and lacks slashes in places.
  const client = csv('keycloak', 'operations-js-client-26.csv')
    .map(({ method, path: template }) => ({
      method,
      path: template.replace(/^\/\/admin/, '/admin').replace('/clients{id}/', '/clients/{id}/'),
    }))
    .filter(
      ({ path: template }) =>
        template.startsWith('/admin/') && !template.includes('description/{providerId}'),
    );
  const rows = distinct([...official, ...client]).map(({ method, path: template }) => ({
    method,
    path: template.replace(/(group-by-path)\/\{(\w+)\}$/, '$1/{$2+}'),
  }));
  return {
    head: {
      title: 'Keycloak Admin REST API',
      origin:
        'ccouzens/keycloak-openapi 9068318f (Keycloak 23.0.7) and npm @keycloak/keycloak-admin-client 26.7.4; privileges by rule',
      licence: 'Apache-2.0',
      alsoUnder: ['/auth'],
    },
    operations: finish('keycloak', judged(rows, keycloak), (segments) =>
      segments.slice(segments[1] === 'realms' ? (segments.length > 3 ? 3 : 1) : 1),
    ),
  };
}

function awsCatalog() {
  // CloudTrail names the service by its endpoint: IAM Identity Center's administration is `sso`.
  const services = { 'sso-admin': 'sso' };
  const named = csv('aws').map(({ operationId }) => {
    const [service, operation] = operationId.split(':');
    return `${services[service] ?? service}.${operation}`;
  });
  const more = AWS_MORE.trim()
    .split('\n')
    .flatMap((line) => {
      const [service, ...operations] = line.trim().split(/:?\s+/);
      return operations.map((each) => `${service}.${each}`);
    });
  const operations = [...new Set([...named, ...more])].sort(byText).map((name) => {
    const rule = aws.find((each) => each.path.test(name));
    const { privilege, reason } = rule ?? privilegeOfName(name);
    return { name, privilege, reason };
  });
  return {
    head: {
      title: 'AWS operations as CloudTrail names them',
      origin:
        'Debian python3-botocore 1.29.27 service descriptions, and event names of CloudTrail; privileges by rule',
      licence: 'Apache-2.0',
    },
    operations,
  };
}

function judged(rows, rules) {
  return rows.map(({ method, path: template }) => {
    const shape = template.replace(/\{(\w[^{}]*)\}/g, '{p}');
    const rule = rules.find(
      (each) => (each.methods.length === 0 || each.methods.includes(method)) && each.path.test(shape),
    );
    const { privilege, reason } = rule ?? privilegeOfPath(method, template.slice(1).split('/'));
    return { method, path: template, privilege, reason };
  });
}

/** One of each method and path, whatever the parameters are called. */
function distinct(rows) {
  const seen = new Set();
  return rows.filter(({ method, path: template }) => {
    const key = `${method} ${template.replace(/\{[^}]*\}/g, '{}').toLowerCase()}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Names, escalations and order. */
function finish(provider, rows, withoutPrefix) {
  const escalate = new Map(Object.entries(escalations[provider] ?? {}));
  const operations = named(rows, withoutPrefix).map((operation) => {
    const key = `${operation.method} ${operation.path}`.replace(/\{\w+\}/g, '{}').toLowerCase();
    const found = [...escalate].find(([each]) => each.replace(/\{\w+\}/g, '{}').toLowerCase() === key);
    if (found === undefined) return operation;
    escalate.delete(found[0]);
    const [privilege, worst, fields] = found[1];
    return { ...operation, privilege, escalate: { privilege: worst, fields: fields.split(' ') } };
  });
  if (escalate.size > 0)
    throw new Error(`${provider} has no operation for ${[...escalate.keys()].join(', ')}`);
  return operations.sort((a, b) => byText(a.path, b.path) || byText(a.method, b.method));
}

/**
 * `PUT /api/systemusers/{id}` is `systemusers.update`: the literal segments in lower case, without the common
 * prefix, and a verb. Where two operations would share a name, the one with fewer parameters keeps it and the
 * other says by which parameters it differs.
 */
function named(rows, withoutPrefix) {
  const at = new Map();
  for (const { method, path: template } of rows) {
    const shape = shapeOf(template);
    at.set(shape, (at.get(shape) ?? new Set()).add(method));
  }
  const parameters = (template) => [...template.matchAll(/\{([^}]*?)\+?\}/g)].map(([, name]) => name);
  const taken = new Map();
  return [...rows]
    .sort((a, b) => parameters(a.path).length - parameters(b.path).length || byText(a.path, b.path))
    .map((row) => {
      const segments = withoutPrefix(row.path.split('/').filter((each) => each !== ''));
      const literals = segments
        .filter((each) => !/^\{[^}]*\}$/.test(each))
        .map((each) => each.replace(/[{}]/g, '').toLowerCase());
      const verb = verbOf(row.method, shapeOf(row.path), at);
      let name = [...(literals.length === 0 ? ['root'] : literals), ...(verb === '' ? [] : [verb])].join('.');
      const other = taken.get(name);
      if (other !== undefined) {
        const known = parameters(other);
        const own = parameters(row.path).filter((each) => !known.includes(each));
        name += `-by-${(own.length === 0 ? parameters(row.path).slice(-1) : own).join('-').toLowerCase().replace(/_/g, '-')}`;
      }
      if (taken.has(name))
        throw new Error(`two operations are called ${name}: ${row.path} and ${taken.get(name)}`);
      taken.set(name, row.path);
      return { name, ...row };
    });
}

function shapeOf(template) {
  return template.replace(/\{[^}]*\}/g, '{}').toLowerCase();
}

function verbOf(method, shape, at) {
  const here = at.get(shape);
  const items = at.has(`${shape}/{}`);
  if (shape.endsWith('{}')) return { GET: 'get', PUT: 'update' }[method] ?? method.toLowerCase();
  switch (method) {
    case 'GET':
      return items && shape.endsWith('s') ? 'list' : 'get';
    case 'POST':
      // Without anything to read there, the last word is the verb: `systemusers.resetmfa`.
      if (here.has('GET') || items) return 'create';
      return here.size === 1 ? '' : 'post';
    case 'PUT':
      if (items) return 'replace';
      return here.has('GET') || here.size > 1 ? 'update' : '';
    case 'DELETE':
      return items ? 'clear' : 'delete';
    default:
      return method.toLowerCase();
  }
}

function written(head, operations) {
  const lines = operations.map((each) => {
    const { name, method, path: template, privilege, reason, escalate } = each;
    return `    ${JSON.stringify({ name, method, path: template, privilege, reason, escalate })}`;
  });
  const fields = Object.entries(head).map(
    ([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},`,
  );
  return `{\n${fields.join('\n')}\n  "operations": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

function byText(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** RFC 4180, header first. */
function csv(provider, file = 'operations.csv') {
  const text = readFileSync(path.join(source, provider, file), 'utf8');
  const rows = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ',') rows.push([]);
  }
  const [head, ...body] = rows.filter((row) => row.length > 1);
  return body.map((row) => Object.fromEntries(head.map((name, at) => [name, row[at]])));
}
