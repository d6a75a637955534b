import type { NetworkKind } from '../core/observation.js';

/** Clouds and hosters: an API client here is a server (or someone who rents one). */
const HOSTING = [
  [16509, 14618], // Amazon
  [396982, 15169], // Google
  [8075], // Microsoft
  [31898], // Oracle
  [14061], // DigitalOcean
  [24940, 213230, 212317], // Hetzner
  [16276], // OVH
  [63949, 20940], // Akamai, Linode
  [20473], // Vultr
  [12876], // Scaleway
  [51167, 40021], // Contabo
  [60781, 28753, 30633], // Leaseweb
  [9009], // M247
  [45102, 37963], // Alibaba
  [132203, 45090], // Tencent
  [136907], // Huawei Cloud
  [36351], // IBM Cloud
  [13335], // Cloudflare
  [54113], // Fastly
  [197540], // netcup
  [47583], // Hostinger
  [22612], // Namecheap
  [26496], // GoDaddy
  [46606], // Unified Layer
  [8560], // IONOS
  [29802, 61317], // Hivelocity
  [55286], // B2 Net Solutions
  [36352], // ColoCrossing
  [53667], // FranTech
  [35916], // Multacom
  [40676], // Psychz
  [8100], // QuadraNet
  [62240], // Clouvider
  [60068, 212238], // Datacamp
  [49981], // WorldStream
  [42831], // UK Dedicated Servers
  [207990], // HostRoyale
  [202425], // IP Volume
  [19531], // Nodes Direct
];

/** Networks whose chief use is the exits of one VPN service. */
const VPN = [
  [136787, 147049], // PacketHub (NordVPN)
  [209854], // Cyberzone (Surfshark)
  [199218], // Proton
];

/** Networks whose chief use is Tor exits. */
const TOR = [
  [208323], // Foundation for Applied Privacy
];

/** Big access providers: homes and phones, and also the offices that buy the same lines. */
const RESIDENTIAL = [
  [7922, 20115, 20001, 11427, 33363, 22773, 209, 5650], // US: Comcast, Charter, Cox, CenturyLink, Frontier
  [701, 6167, 22394, 7018, 20057, 21928], // US: Verizon, AT&T, T-Mobile
  [812, 577, 6327, 852], // CA: Rogers, Bell, Shaw, Telus
  [3320, 3209, 6805, 8881], // DE: Telekom, Vodafone, Telefonica, 1&1 Versatel
  [3215, 12322, 5410, 15557], // FR: Orange, Free, Bouygues, SFR
  [2856, 6871, 5089, 5607], // GB: BT, Plusnet, Virgin Media, Sky
  [3352, 12479], // ES: Telefonica, Orange
  [3269, 1267, 30722, 12874], // IT: TIM, Wind Tre, Vodafone, Fastweb
  [6830, 31615, 1136, 33915, 5432, 6848], // Benelux and Liberty Global: Odido, KPN, Ziggo, Proximus, Telenet
  [3303, 6730, 8447, 8412], // CH, AT: Swisscom, Sunrise, A1, Magenta
  [5617, 12741, 6799, 3329, 2860, 9121], // PL, GR, PT, TR: Orange, Netia, OTE, Vodafone, NOS, Turk Telekom
  [3301, 2119, 1257], // Nordics: Telia, Telenor, Tele2
  [7545, 1221, 4804], // AU: TPG, Telstra, Optus
  [2516, 4713, 17676, 2527], // JP: KDDI, NTT, SoftBank, Sony
  [4766, 9318, 3462], // KR, TW: KT, SK Broadband, Chunghwa
  [9498, 24560, 45609, 55836], // IN: Airtel, Jio
  [4134, 4837, 9808], // CN: Chinanet, Unicom, China Mobile
  [28573, 18881, 27699, 4230, 8151], // BR, MX: Claro, Vivo, Telmex
];

function entries(groups: readonly number[][], kind: NetworkKind): [number, NetworkKind][] {
  return groups.flat().map((asn) => [asn, kind]);
}

/** What well-known networks are. Curated by hand; see docs/locations.md for what it can and cannot know. */
export const KIND_BY_ASN: ReadonlyMap<number, NetworkKind> = new Map([
  ...entries(RESIDENTIAL, 'residential'),
  ...entries(HOSTING, 'hosting'),
  ...entries(VPN, 'vpn'),
  ...entries(TOR, 'tor'),
]);

/** Special-purpose ranges (RFC 6890): private, loopback, link-local, CGNAT (RFC 6598), ULA (RFC 4193). */
export const PRIVATE_NETWORKS: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::/127',
  'fc00::/7',
  'fe80::/10',
];
