import type { NetworkKind } from '../core/observation.js';
import type { IpAddress } from '../wire/ip-address.js';
import { type AddressList, parseAddressList, readAddressList } from './address-list.js';
import type { Network } from './asn-table.js';
import { KIND_BY_ASN, PRIVATE_NETWORKS } from './network-kinds.js';

/** Files of an operator that say what a network is; they override everything else. */
export interface KindListFiles {
  readonly tor?: string;
  readonly vpn?: string;
  readonly hosting?: string;
  readonly residential?: string;
}

/** In the order in which they count. */
export type KindLists = readonly { readonly kind: NetworkKind; readonly list: AddressList }[];

const LIST_ORDER = ['tor', 'vpn', 'hosting', 'residential'] as const;
const HOSTING_NAME = /\b(hosting|clouds?|data ?cent(er|re)s?|servers?|colo(cation)?)\b/i;
const privateNetworks = parseAddressList(PRIVATE_NETWORKS.join('\n'), 'network-kinds');

export async function readKindLists(files: KindListFiles): Promise<KindLists> {
  const lists = LIST_ORDER.map(async (kind) => {
    const file = files[kind];
    return file === undefined ? [] : [{ kind, list: await readAddressList(file) }];
  });
  return (await Promise.all(lists)).flat();
}

export function networkKind(lists: KindLists, address: IpAddress, network: Network | undefined): NetworkKind {
  const listed = lists.find(({ list }) => list.has(address, network?.asn));
  if (listed !== undefined) return listed.kind;
  if (privateNetworks.has(address, undefined)) return 'private';
  if (network === undefined) return 'unknown';
  return KIND_BY_ASN.get(network.asn) ?? (HOSTING_NAME.test(network.network) ? 'hosting' : 'unknown');
}
