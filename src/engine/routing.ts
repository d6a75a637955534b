import type { PathTemplates } from '../catalogs/learn.js';
import type { Catalog } from '../catalogs/match.js';
import type { UpstreamPolicy } from '../core/guard.js';
import type { ForeignKeys } from '../keys/directory.js';
import type { CredentialSource } from '../wire/credentials.js';
import type { BehaviourPolicy } from './behaviour.js';

/** What the engine knows of one protected API. */
export interface Upstream {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly prefixes: readonly string[];
  readonly credentials: readonly CredentialSource[];
  readonly foreignKeys: ForeignKeys;
  readonly catalog: Catalog;
  readonly policy: UpstreamPolicy;
  readonly encodedSeparators: 'refuse' | 'forward';
  readonly methodOverride: 'refuse' | 'forward';
  readonly failPolicy: 'closed' | 'open';
  readonly behaviour: BehaviourPolicy;
  /** Of paths that the catalog does not know. */
  readonly templates: PathTemplates;
}

interface Route<U extends Upstream> {
  readonly host: string | undefined;
  readonly prefix: readonly string[];
  readonly upstream: U;
}

/** Chooses the upstream by host name and path prefix: a named host beats any host, then the longest prefix. */
export class Routing<U extends Upstream> {
  readonly #routes: Route<U>[];
  readonly upstreams: readonly U[];

  constructor(upstreams: readonly U[]) {
    this.upstreams = upstreams;
    this.#routes = upstreams
      .flatMap((upstream) =>
        (upstream.hosts.length === 0
          ? [undefined]
          : upstream.hosts.map((host) => host.toLowerCase())
        ).flatMap((host) =>
          upstream.prefixes.map((prefix) => ({ host, prefix: splitPrefix(prefix), upstream })),
        ),
      )
      .sort(
        (a, b) =>
          Number(b.host !== undefined) - Number(a.host !== undefined) || b.prefix.length - a.prefix.length,
      );
  }

  find(host: string, segments: readonly string[]): U | undefined {
    const name = host.replace(/:\d*$/, '').toLowerCase();
    return this.#routes.find(
      (route) =>
        (route.host === undefined || route.host === name) &&
        route.prefix.every((segment, at) => segments[at] === segment),
    )?.upstream;
  }
}

function splitPrefix(prefix: string): string[] {
  return prefix
    .toLowerCase()
    .split('/')
    .filter((segment) => segment !== '');
}
