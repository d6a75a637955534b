import { parseCidr } from '../wire/cidr.js';
import type { Config } from './schema.js';

type Notices = Config['notices'];
type Problem = { path: readonly PropertyKey[]; message: string };
type Paths = {
  at: (file: string) => string;
  optional: (file: string | undefined) => string | undefined;
  secret: <T extends object>(source: T | undefined) => T | undefined;
};

/** What the schema of `notices` cannot say. */
export function noticeProblems(notices: Notices, isLoopback: (host: string) => boolean): Problem[] {
  const problems: Problem[] = [];
  const say = (path: readonly PropertyKey[], message: string) =>
    problems.push({ path: ['notices', ...path], message });
  const { smtp, reset, ssf, from } = notices;
  if (smtp !== undefined) {
    if (from === undefined) say(['smtp'], 'needs notices.from, the sender of the e-mails');
    if ((smtp.user === undefined) !== (smtp.password === undefined))
      say(['smtp', smtp.user === undefined ? 'password' : 'user'], 'user and password go together');
    if (smtp.security === 'none' && smtp.user !== undefined)
      say(['smtp', 'security'], 'would send the password in clear: use starttls or tls');
    if (smtp.security === 'none' && !isLoopback(smtp.host))
      say(['smtp', 'security'], `${smtp.host} is another machine: use starttls or tls`);
  }
  notices.webhooks.allowNetworks.forEach((text, at) => {
    const cidr = parseCidr(text);
    if (!cidr.ok) say(['webhooks', 'allowNetworks', at], cidr.problem);
  });
  if (reset !== undefined && reset.tls === undefined && !isLoopback(reset.host))
    say(['reset', 'host'], `${reset.host} can be reached from other machines: give tls, or use 127.0.0.1`);
  if (ssf !== undefined && new URL(ssf.issuer).pathname !== '/')
    say(['ssf', 'issuer'], 'must have no path: receivers look under /.well-known/ssf-configuration');
  ssf?.streams.forEach((stream, at) => {
    const path = ['ssf', 'streams', at];
    if (ssf.streams.findIndex(({ name }) => name === stream.name) !== at)
      say([...path, 'name'], `${stream.name} is used twice`);
    if (stream.delivery === 'push' && stream.url === undefined) say(path, 'needs url, where to push');
    if (stream.delivery === 'poll' && stream.url !== undefined) say([...path, 'url'], 'is for push only');
    if (stream.delivery === 'poll' && stream.token === undefined)
      say(path, 'needs token, which the receiver must show');
  });
  return problems;
}

/** With paths that count from the folder of the configuration. */
export function resolveNotices(notices: Notices, { optional, at, secret }: Paths): Notices {
  const { smtp, reset, ssf } = notices;
  return {
    ...notices,
    templates: optional(notices.templates),
    webhooks: { ...notices.webhooks, ca: optional(notices.webhooks.ca) },
    smtp: smtp && { ...smtp, password: secret(smtp.password), ca: optional(smtp.ca) },
    reset: reset && {
      ...reset,
      tls: reset.tls && { cert: at(reset.tls.cert), key: at(reset.tls.key) },
    },
    ssf: ssf && {
      ...ssf,
      streams: ssf.streams.map((stream) => ({ ...stream, token: secret(stream.token) })),
    },
  };
}
