import type { CidrSet } from './cidr.js';
import { type Hop, parseForwarded, parseForwardedFor } from './forwarded.js';
import type { IpAddress } from './ip-address.js';

/** Which header the trusted proxies append to. One only: where both count, a client can forge the other. */
export type ForwardedHeader = 'x-forwarded-for' | 'forwarded' | 'none';

export interface ClientAddressFacts {
  /** The other end of the socket, or what its PROXY protocol header says. */
  readonly peer: IpAddress;
  /** All values of `X-Forwarded-For`, in the order of their lines. */
  readonly forwardedFor: readonly string[];
  /** All values of `Forwarded`, in the order of their lines. */
  readonly forwarded: readonly string[];
  readonly trusted: CidrSet;
  readonly header: ForwardedHeader;
}

/**
 * The client's address (RFC 7239 section 8.1: only hops that a trusted proxy reported count). Walks from the
 * nearest hop away: each trusted proxy vouches for the hop before it, the first that is not trusted is the
 * client. Where a hop cannot be read, the proxy that reported it stands for the client: what lies further left
 * nobody vouches for.
 */
export function clientAddress(facts: ClientAddressFacts): IpAddress {
  const { peer, trusted } = facts;
  if (facts.header === 'none' || !trusted.has(peer)) return peer;
  let client = peer;
  for (const hop of hopsOf(facts)) {
    if (hop.address === undefined) return client;
    client = hop.address;
    if (!trusted.has(client)) return client;
  }
  return client;
}

function hopsOf(facts: ClientAddressFacts): Hop[] {
  return facts.header === 'forwarded'
    ? parseForwarded(facts.forwarded)
    : parseForwardedFor(facts.forwardedFor);
}
