import { ACCESS, addressIn, CLOUD_REGIONS, HAND_CLIENTS, type Network, SCRIPT_CLIENTS } from './places.js';
import type { Objects, Provider, Service, Step, Workflow } from './provider.js';
import type { Random } from './random.js';

export interface Tenant {
  readonly id: string;
  readonly objects: Objects;
  /** Hours from UTC. */
  readonly zone: number;
  readonly office: { readonly network: Network; readonly third: number };
}

/** Who acts with one key. What changes in the owner's life changes these fields. */
export interface Principal {
  readonly id: string;
  readonly tenant: Tenant;
  readonly service: Service | undefined;
  readonly key: string;
  readonly flows: readonly Workflow[];
  readonly client: string;
  /** Draws the address of a session. */
  readonly place: (random: Random) => string;
  readonly region: readonly Network[] | undefined;
  /** Of the simulation, in days. */
  readonly from: number;
  readonly to: number;
  /** Sessions a working day, for people. */
  readonly diligence: number;
  /** Local hours. */
  readonly start: number;
  readonly end: number;
}

export function newTenants(provider: Provider, random: Random, count: number): Tenant[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `org-${random.hex(8)}`,
    // A few are large.
    objects: provider.newObjects(random, Math.min(3000, random.logNormal(i === 0 ? 900 : 120, 0.9))),
    zone: random.pick([-8, -6, -5, 0, 1, 1, 2]),
    office: { network: random.pick(ACCESS), third: random.int(1, 250) },
  }));
}

export function newPrincipal(
  provider: Provider,
  random: Random,
  tenant: Tenant,
  days: number,
  n: number,
): Principal {
  return random.chance(provider.serviceShare)
    ? newService(random, tenant, days, n, random.pick(provider.services))
    : newPerson(random, tenant, days, n, provider.handFlows);
}

export function newService(
  random: Random,
  tenant: Tenant,
  days: number,
  n: number,
  service: Service,
): Principal {
  const region = random.pick(CLOUD_REGIONS);
  return {
    id: `${service.name}-${n}`,
    ...{ tenant, service, region },
    key: newKey(random),
    flows: service.flows.map((flow) => variant(random, flow)),
    client: random.pick(SCRIPT_CLIENTS),
    place: servicePlace(random, region),
    ...period(random, days),
    diligence: 1,
    start: 0,
    end: 24,
  };
}

export function newPerson(
  random: Random,
  tenant: Tenant,
  days: number,
  n: number,
  flows: readonly Workflow[],
): Principal {
  const favourites = flows.filter(() => random.chance(0.45));
  return {
    id: `admin-${n}`,
    ...{ tenant, service: undefined, region: undefined },
    key: newKey(random),
    flows: favourites.length === 0 ? [random.pick(flows)] : favourites,
    client: random.pick(HAND_CLIENTS),
    place: personPlace(random, tenant),
    ...period(random, days),
    diligence: random.logNormal(3, 0.6),
    start: random.between(7, 10),
    end: random.between(16, 20),
  };
}

export function newKey(random: Random): string {
  return `kw_${random.hex(12)}`;
}

/** One address, a small pool behind a NAT, or a fresh address each run of an autoscaled fleet. */
export function servicePlace(random: Random, region: readonly Network[]): (random: Random) => string {
  const style = random.next();
  const network = random.pick(region);
  const third = random.int(1, 250);
  if (style < 0.55) {
    const only = addressIn(random, network, third);
    return () => only;
  }
  if (style < 0.8) {
    const pool = Array.from({ length: random.int(2, 4) }, () => addressIn(random, random.pick(region)));
    return (each) => each.pick(pool);
  }
  const thirds = Array.from({ length: 24 }, () => random.int(1, 250));
  return (each) => addressIn(each, each.pick(region), each.pick(thirds));
}

/** Office, home, and now and then a phone. */
export function personPlace(random: Random, { office }: Tenant): (random: Random) => string {
  const desk = addressIn(random, office.network, office.third);
  const home = addressIn(random, random.pick(ACCESS));
  const phone = random.pick(ACCESS);
  const atHome = random.between(0.05, 0.6);
  return (each) => {
    const draw = each.next();
    if (draw < 0.03) return addressIn(each, phone);
    return draw < 0.03 + atHome ? home : desk;
  };
}

/** Most are there all the time; some begin late, some end early. */
function period(random: Random, days: number): { from: number; to: number } {
  const late = random.chance(0.12) ? random.between(2, days * 0.5) : 0;
  return { from: late, to: random.chance(0.06) ? random.between(days * 0.7, days) : days };
}

/** The same script is a little different everywhere. */
function variant(random: Random, flow: Workflow): Workflow {
  const kept = flow.filter(() => random.chance(0.93));
  return (kept.length === 0 ? flow : kept).map((each): Step => {
    if (each.times === undefined) return each;
    const most = Math.max(each.times[0], Math.round(each.times[1] * random.between(0.5, 1.5)));
    return { ...each, times: [each.times[0], most] };
  });
}
