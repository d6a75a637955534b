const PAUSE_MS = 20;
/** Between two requests with a key at one gateway while it is being revoked. */
const LOAD_PAUSE_MS = 5;
/** Requests with a key before it is revoked, by each gateway. */
const WARM_REQUESTS = 2;
const LEASE_MS = 1_000;
const RETRY_MS = 50;
const TRIES_MAX = 400;

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Revokes keys under load and through faults, and asks with each dead key at every gateway. */
export class Torture {
  #cluster;
  #live;
  #stopped = false;
  /** Latencies of single revocations, in ms. */
  calm = [];
  faulty = [];
  revoked = 0;
  probes = 0;
  /** Probes by what came back; 2xx would be a violation. */
  answers = {};
  accepted = 0;
  refusedLive = 0;
  receipts = { exact: 0, inexact: 0, leaseExpired: 0 };
  faults = {};
  #pending = new Set();

  constructor(cluster, live) {
    this.#cluster = cluster;
    this.#live = live;
  }

  /** Keys that stay alive are used at every gateway, from beginning to end. */
  background() {
    const loops = this.#cluster.nodes.map(async (node) => {
      while (!this.#stopped) {
        const { status } = await node.client.send('GET', '/live', { 'x-api-key': this.#live });
        if (status === 200) this.accepted += 1;
        else this.refusedLive += 1;
        await wait(PAUSE_MS);
      }
    });
    return Promise.all(loops);
  }

  /** `lanes` revocations at a time, one key or `batch` keys each. */
  async run(keys, { lanes, batch, latencies }) {
    const queue = [...keys];
    const lane = async () => {
      for (let some = queue.splice(0, batch()); some.length > 0; some = queue.splice(0, batch()))
        await this.#revoke(some, latencies);
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  }

  /** Waits for probes that went to a gateway which stood still. */
  async settle() {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  stop() {
    this.#stopped = true;
  }

  async #revoke(keys, latencies) {
    const load = this.#load(keys);
    await load.warm;
    const ids = keys.map(({ id }) => id);
    const startedMs = performance.now();
    const answer = await this.#untilRevoked(ids);
    const ms = performance.now() - startedMs;
    load.stop();
    if (keys.length === 1) latencies.push(ms);
    this.revoked += keys.length;
    for (const receipt of answer.receipts) this.#note(receipt);
    // Both go out at once: the upstream learns what is dead, and every gateway is asked with it.
    const told = this.#cluster.judge.send(
      'POST',
      '/judge/dead',
      {},
      keys.map(({ credential }) => credential),
    );
    for (const { credential } of keys) for (const node of this.#cluster.nodes) this.#probe(node, credential);
    await told;
  }

  /** Requests with the keys through every gateway, one after the other each, until stopped. */
  #load(keys) {
    let on = true;
    let sent = 0;
    let warmed;
    const warm = new Promise((resolve) => {
      warmed = resolve;
    });
    const enough = WARM_REQUESTS * this.#cluster.nodes.length;
    const loops = this.#cluster.nodes.map(async (node) => {
      for (let n = 0; on; n += 1) {
        const { credential } = keys[n % keys.length];
        const { status } = await node.client.send('GET', '/load', { 'x-api-key': credential });
        if (status === 200) this.accepted += 1;
        sent += 1;
        if (sent >= enough) warmed();
        await wait(status === 0 ? RETRY_MS : LOAD_PAUSE_MS);
      }
    });
    this.#keep(Promise.all(loops));
    // A gateway that stands still must not hold up the others.
    const timer = setTimeout(() => warmed(), 250);
    return {
      warm,
      stop: () => {
        on = false;
        clearTimeout(timer);
      },
    };
  }

  /** Only an answer counts: while the control process is away there is none, and it is asked again. */
  async #untilRevoked(ids) {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const { status, body } = await this.#cluster.call('POST', '/v1/keys/revoke', {
        keys: ids,
        why: 'torture',
      });
      if (status === 200) return body;
      if (status !== 0) throw new Error(`Revoking was answered with ${status}: ${JSON.stringify(body)}`);
      await wait(RETRY_MS);
    }
    throw new Error('The control process did not come back.');
  }

  #note({ exact, gateways }) {
    this.receipts[exact ? 'exact' : 'inexact'] += 1;
    if (gateways.some((each) => each.leaseExpiredAt !== undefined)) this.receipts.leaseExpired += 1;
  }

  #probe(node, credential) {
    this.probes += 1;
    const asked = node.client
      .send('GET', '/probe', { 'x-api-key': credential, 'x-probe': 'dead' })
      .then(({ status }) => {
        this.answers[status] = (this.answers[status] ?? 0) + 1;
      });
    this.#keep(asked);
  }

  #keep(promise) {
    const done = promise.finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  /** One fault; revocations go on meanwhile. */
  async fault(n) {
    const [control, ...gateways] = this.#cluster.nodes;
    const one = gateways[n % gateways.length];
    const kinds = [
      ...['cut off, late', 'kill control', 'stop long', 'kill gateway', 'cut off, dropped'],
      ...['stop two long', 'stop short', 'stop at the lease', 'cut off short'],
    ];
    const kind = kinds[n % kinds.length];
    this.faults[kind] = (this.faults[kind] ?? 0) + 1;
    const standStill = async (nodes, ms) => {
      for (const { child } of nodes) child.kill('SIGSTOP');
      await wait(ms);
      for (const { child } of nodes) child.kill('SIGCONT');
    };
    const cutOff = async (nodes, ms, late) => {
      for (const { link } of nodes) link.cut();
      await wait(ms);
      for (const { link } of nodes) link.mend({ late });
    };
    switch (kind) {
      case 'cut off short':
        await cutOff([one], 100 + Math.random() * 600, true);
        return;
      case 'cut off, late':
      case 'cut off, dropped':
        await cutOff(gateways.slice(0, 2), LEASE_MS * (1.5 + Math.random()), kind === 'cut off, late');
        return;
      case 'stop short':
        await standStill([one], 100 + Math.random() * 400);
        return;
      case 'stop long':
        await standStill([one], LEASE_MS * (1.3 + Math.random()));
        return;
      case 'stop two long':
        await standStill(gateways.slice(0, 2), LEASE_MS * (1.3 + Math.random()));
        return;
      case 'stop at the lease':
        await standStill([one], LEASE_MS * (0.7 + Math.random() * 0.6));
        return;
      case 'kill gateway':
        await this.#cluster.kill(one);
        await wait(Math.random() * 300);
        await this.#cluster.restart(one);
        return;
      case 'kill control':
        await this.#cluster.kill(control);
        await wait(Math.random() * 600);
        await this.#cluster.restart(control);
    }
  }
}
