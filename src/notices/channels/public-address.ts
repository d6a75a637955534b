import { lookup } from 'node:dns/promises';
import { type CidrSet, cidrSet } from '../../wire/cidr.js';
import { parseIp } from '../../wire/ip-address.js';

/** Not on the public internet, or the way into a cloud's inside (IANA special-purpose registries, RFC 6890). */
const NOT_PUBLIC_V4 = cidrSet([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  // The metadata and control address of a cloud, public by number only.
  '168.63.129.16/32',
]);
/** All of unicast IPv6 that is given out … */
const GLOBAL_V6 = cidrSet(['2000::/3']);
/** … but for documentation, and for what wraps an IPv4 address (6to4, Teredo), which would reach around the list above. */
const NOT_PUBLIC_V6 = cidrSet(['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);

export type Resolved =
  | { readonly ok: true; readonly address: string; readonly family: 4 | 6 }
  | { readonly ok: false; readonly permanent: boolean; readonly problem: string };

export function isPublic(text: string): boolean {
  const address = parseIp(text);
  if (address === undefined) return false;
  if (address.family === 4) return !NOT_PUBLIC_V4.has(address);
  return GLOBAL_V6.has(address) && !NOT_PUBLIC_V6.has(address);
}

/**
 * The one address to connect to, checked. A name that has any address inside is refused as a whole: a public one
 * beside it would only say which answer came first.
 */
export async function resolvePublic(
  host: string,
  allowed: CidrSet,
  resolve: (host: string) => Promise<readonly string[]> = allAddresses,
): Promise<Resolved> {
  const bare = host.replace(/^\[|\]$/g, '');
  let addresses: readonly string[];
  try {
    addresses = parseIp(bare) === undefined ? await resolve(bare) : [bare];
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    return { ok: false, permanent: false, problem: `${host} has no address (${code})` };
  }
  const inside = addresses.find((each) => !isPublic(each) && !allowed.has(each));
  if (inside !== undefined)
    return {
      ok: false,
      permanent: true,
      problem: `${host} is at ${inside}, which is not on the public internet; notices.webhooks.allowNetworks would permit it`,
    };
  const first = addresses.map(parseIp).find((each) => each !== undefined);
  if (first === undefined) return { ok: false, permanent: false, problem: `${host} has no address` };
  return { ok: true, address: first.text, family: first.family };
}

async function allAddresses(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
