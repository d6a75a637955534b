import type { Random } from './random.js';

/** A public network: where traffic of the world comes from. */
export interface Network {
  /** First two octets. */
  readonly prefix: string;
  readonly provider: string;
}

const of = (provider: string, ...prefixes: string[]): Network[] =>
  prefixes.map((prefix) => ({ prefix, provider }));

/** Cloud regions: a service and a thief in the same one share the autonomous system. */
export const CLOUD_REGIONS: readonly (readonly Network[])[] = [
  of('aws eu-central', '3.120', '18.184', '52.28', '54.93'),
  of('aws eu-west', '34.240', '52.16'),
  of('aws us-east', '44.192', '54.80', '52.0'),
  of('google', '34.89', '35.198'),
  of('azure', '20.79', '13.80'),
  of('hetzner', '95.216', '88.99', '49.12'),
  of('ovh', '51.38', '145.239'),
  of('digitalocean', '178.128', '104.131'),
];

/** Offices, homes and phones. */
export const ACCESS: readonly Network[] = [
  ...of('telekom', '87.128', '79.192', '80.187'),
  ...of('comcast', '73.32', '24.6', '68.80'),
  ...of('bt', '86.128'),
  ...of('orange', '90.0'),
  ...of('bouygues', '176.128'),
  ...of('magenta', '84.112'),
  ...of('tmobile', '172.56'),
];

/** Rented by those who do not want to be found. */
export const ABROAD: readonly Network[] = [
  ...of('m247', '37.120', '89.44', '45.83'),
  ...of('packethub', '94.140', '103.86'),
  ...of('31173', '193.32'),
  ...of('pin', '5.188'),
  ...of('mtn', '102.89'),
  ...of('unicom', '112.97'),
  ...of('host universal', '103.216'),
  ...of('tor exit', '185.220'),
];

/** An address of the network; its third octet is drawn from few, as of one site or pool. */
export function addressIn(random: Random, { prefix }: Network, third = random.int(1, 250)): string {
  return `${prefix}.${third}.${random.int(2, 250)}`;
}

export const SCRIPT_CLIENTS = [
  'python-requests/2.28.2',
  'python-requests/2.31.0',
  'Go-http-client/1.1',
  'Go-http-client/2.0',
  'axios/1.4.0',
  'okhttp/4.11.0',
  'node-fetch/1.0 (+https://github.com/bitinn/node-fetch)',
  'jumpcloud-terraform/0.0.12',
  'Apache-HttpClient/4.5.14 (Java/17.0.7)',
  'curl/7.88.1',
  'curl/8.1.2',
  'Ruby',
  'aws-sdk-lambda python-urllib3/1.26.16',
  'Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.3031',
] as const;

export const HAND_CLIENTS = [
  'curl/7.88.1',
  'curl/8.1.2',
  'PostmanRuntime/7.32.3',
  'insomnia/2023.2.2',
  'jc-cli/1.4.0',
  'Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.19045; en-US) PowerShell/7.3.4',
  'Mozilla/5.0 (Macintosh; Darwin 22.5.0; en-US) PowerShell/7.3.4',
  'python-requests/2.31.0',
] as const;

export const AGENT_CLIENTS = [
  'node',
  'python-httpx/0.27.0',
  'mcp-remote/0.1.16',
  'fastmcp/2.3.1',
  'undici',
] as const;

export const THIEF_CLIENTS = [
  'python-requests/2.31.0',
  'python-httpx/0.24.1',
  'curl/8.1.2',
  'Go-http-client/1.1',
  'aiohttp/3.8.4',
  'Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0',
  'PostmanRuntime/7.32.3',
] as const;
