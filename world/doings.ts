import type { Random } from './random.js';

/** What is done: an operation, and what it touches. */
export interface Doing {
  readonly operation: string;
  readonly objects: readonly string[];
}

const VERBS = ['update', 'create', 'list', 'get', 'delete', 'run'];
/** How often each is used on average: early ones are popular. */
const VERB_SHARES = zipfShares(VERBS.length, 1);
const OBJECTS_MAX = 40;

/** A part of what there is to do: its operations, and what they touch. */
interface Component {
  readonly operations: readonly string[];
  readonly objects: string[];
}

/** What there is to do in a stream, and how those who do it choose. Everybody's interests are drawn around the same shares. */
export class Doings {
  readonly #random: Random;
  readonly #components: readonly Component[];
  readonly #shares: readonly number[];
  /** How much people's interests are alike: specialists below 1. */
  readonly #likeness: number;
  /** How often the next act is about the same as the one before, and how often one follows a routine. */
  readonly #topic: number;
  readonly #routine: number;
  /** Objects of an act; 0 where none are told. */
  readonly #breadth: number;
  readonly #newObject: number;

  constructor(random: Random) {
    this.#random = random;
    this.#components = Array.from({ length: Math.round(random.logBetween(4, 80)) }, () =>
      newComponent(random),
    );
    this.#shares = zipfShares(this.#components.length, random.between(0.4, 1.6));
    this.#likeness = random.logBetween(0.7, 25);
    this.#topic = random.between(0.1, 0.85);
    this.#routine = random.chance(0.5) ? 0 : random.between(0.1, 0.8);
    this.#breadth = random.chance(0.75) ? random.logBetween(0.7, 5) : 0;
    this.#newObject = random.logBetween(0.01, 0.4);
  }

  /** What one person does. */
  newInterests() {
    const random = this.#random;
    const breadth = this.#breadth * random.logNormal(1, 0.5);
    const verbs = random.dirichlet(VERB_SHARES, random.logBetween(1, 20));
    const routines = Array.from({ length: random.int(1, 4) }, () =>
      Array.from({ length: random.int(2, 6) }, () => ({
        component: this.#draw(this.#shares),
        verb: random.int(0, VERBS.length - 1),
      })),
    );
    const touched = new Map<Component, string[]>();
    let shares = random.dirichlet(this.#shares, this.#likeness);
    const act = (component: Component, verb: number): Doing => ({
      operation: component.operations[verb % component.operations.length] as string,
      objects: breadth === 0 ? [] : this.#objectsOf(component, touched, breadth),
    });
    return {
      /** At least so many acts, one after the other. */
      session: (length: number): Doing[] => {
        const acts: Doing[] = [];
        let component = this.#draw(shares);
        while (acts.length < length) {
          if (random.chance(this.#routine)) {
            for (const step of random.zipf(routines)) acts.push(act(step.component, step.verb));
            continue;
          }
          if (!random.chance(this.#topic)) component = this.#draw(shares);
          acts.push(act(component, random.weighted(verbs)));
        }
        return acts;
      },
      /** Something else becomes interesting, too. */
      change: () => {
        const other = random.dirichlet(this.#shares, this.#likeness);
        const part = random.between(0.05, 0.5);
        shares = shares.map((share, i) => (1 - part) * share + part * (other[i] as number));
      },
    };
  }

  #draw(shares: readonly number[]): Component {
    return this.#components[this.#random.weighted(shares)] as Component;
  }

  /** New ones, one's own of late, and those that everybody touches. */
  #objectsOf(component: Component, touched: Map<Component, string[]>, breadth: number): string[] {
    const random = this.#random;
    const own = touched.get(component) ?? [];
    touched.set(component, own);
    const objects = new Set<string>();
    const count = Math.min(OBJECTS_MAX, Math.floor(random.exponential(breadth) + 0.7));
    for (let n = 0; n < count; n++) objects.add(this.#object(component.objects, own));
    for (const object of objects) if (!own.includes(object)) own.push(object);
    return [...objects];
  }

  #object(all: string[], own: readonly string[]): string {
    const random = this.#random;
    if (all.length === 0 || random.chance(this.#newObject)) {
      const fresh = random.hex(8);
      all.push(fresh);
      return fresh;
    }
    if (own.length === 0 || random.chance(0.4)) return random.zipf(all, 0.7);
    return own[own.length - 1 - Math.floor(own.length * random.next() ** 2)] as string;
  }
}

function newComponent(random: Random): Component {
  const name = random.hex(6);
  // Programs of a shell have no verb.
  const separator = random.chance(0.2) ? '' : '.';
  const operations = VERBS.slice(0, random.int(1, VERBS.length)).map((verb) => `${verb}${separator}${name}`);
  return { operations, objects: [] };
}

/** Shares by rank (Zipf), of which the sum is 1. */
function zipfShares(count: number, skew: number): number[] {
  const parts = Array.from({ length: count }, (_, i) => (i + 1) ** -skew);
  const total = parts.reduce((sum, each) => sum + each, 0);
  return parts.map((each) => each / total);
}
