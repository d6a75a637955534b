import {
  ACCESS,
  AGENT_CLIENTS,
  addressIn,
  CLOUD_REGIONS,
  HAND_CLIENTS,
  type Network,
  SCRIPT_CLIENTS,
} from './places.js';
import type { Home, Objects, Provider, Service, Step, Unrest, Workflow } from './provider.js';
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
  /** Median seconds between two calls; absent: as everybody's. */
  readonly pause?: number;
  readonly unrest?: OwnUnrest;
}

/** How far one principal's life is from routine. */
interface OwnUnrest extends Pick<Unrest, 'debugging' | 'anything'> {
  /** Of its workflows, the share that is anything. */
  readonly wandering: number;
  /** Days between two versions of its client, and on which it began. */
  readonly updates: { readonly everyDays: number; readonly phase: number } | undefined;
  /** What it, or its owner, calls with now and then, and in which share of sessions by hand. */
  readonly otherClient: string;
  readonly otherShare: number;
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
  const { unrest } = provider;
  if (unrest !== undefined && random.chance(unrest.agents)) return newAgent(random, tenant, days, n, unrest);
  if (random.chance(provider.serviceShare)) {
    const service = newService(random, tenant, days, n, random.pick(provider.services));
    return unrest === undefined ? service : { ...service, unrest: ownUnrest(random, unrest, 0.15) };
  }
  const person = newPerson(random, tenant, days, n, provider.handFlows);
  if (unrest === undefined) return person;
  return {
    ...person,
    place: roaming(random, person.place, random.int(0, unrest.networks)),
    unrest: ownUnrest(random, unrest, 1),
  };
}

/** @param share of those like it that ever leave their routine */
function ownUnrest(random: Random, unrest: Unrest, share: number): OwnUnrest {
  const wanders = random.chance(share) && unrest.wandering > 0;
  const { debugging, anything } = unrest;
  return {
    ...{ debugging, anything },
    wandering: wanders ? Math.min(0.8, random.logNormal(unrest.wandering, 1)) : 0,
    updates: random.chance(unrest.updated)
      ? { everyDays: unrest.updateDays, phase: random.between(0, 0.3) }
      : undefined,
    otherClient: random.pick(HAND_CLIENTS),
    otherShare: random.chance(0.3) ? random.between(0.02, 0.3) : 0,
  };
}

/** The client that it uses by then: those who follow its versions do so within days of each other. */
export function clientAt({ client, unrest }: Principal, day: number): string {
  const { updates } = unrest ?? {};
  if (updates === undefined) return client;
  return bumped(client, Math.max(0, Math.floor(day / updates.everyDays - updates.phase)));
}

/** So many minor versions later. */
export function bumped(client: string, versions: number): string {
  return client.replace(/(\d+)\.(\d+)/, (_, major, minor) => `${major}.${Number(minor) + versions}`);
}

/** A person, or a program of its own, that lets a language model work: on many things, and fast. */
function newAgent(random: Random, tenant: Tenant, days: number, n: number, unrest: Unrest): Principal {
  const flows = Array.from({ length: random.int(15, 80) }, () => unrest.anything(random));
  const person = newPerson(random, tenant, days, n, flows);
  const home = random.chance(0.5) ? newHome(random) : undefined;
  return {
    ...person,
    id: `agent-${n}`,
    flows,
    client: random.pick(AGENT_CLIENTS),
    ...(home === undefined ? {} : home),
    pause: random.logBetween(0.5, 5),
    unrest: { ...ownUnrest(random, unrest, 1), wandering: random.between(0.2, 0.7) },
  };
}

export function newHome(random: Random): Home {
  const region = random.pick(CLOUD_REGIONS);
  return { region, place: servicePlace(random, region) };
}

export function newService(
  random: Random,
  tenant: Tenant,
  days: number,
  n: number,
  service: Service,
): Principal {
  const region = service.vendor?.region ?? random.pick(CLOUD_REGIONS);
  return {
    id: `${service.name}-${n}`,
    ...{ tenant, service, region },
    key: newKey(random),
    flows: service.flows.map((flow) => variant(random, flow)),
    client: service.vendor?.client ?? random.pick(SCRIPT_CLIENTS),
    place: service.vendor?.place ?? servicePlace(random, region),
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

/** And now and then somewhere else: a branch, the second home, a train. */
function roaming(random: Random, usual: Principal['place'], networks: number): Principal['place'] {
  if (networks === 0) return usual;
  const others = Array.from({ length: networks }, () => ({
    network: random.pick(ACCESS),
    third: random.int(1, 250),
  }));
  const share = random.between(0.05, 0.5);
  return (each) => {
    if (!each.chance(share)) return usual(each);
    const { network, third } = each.zipf(others);
    return addressIn(each, network, third);
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
