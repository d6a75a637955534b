import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PathTemplates } from '../catalogs/learn.js';
import type { Config } from '../config/schema.js';
import { counted } from '../core/counted.js';
import { PRIVILEGED_FROM } from '../core/observation.js';
import { buildUpstream } from '../edges/proxy/build-upstream.js';
import type { Incident } from '../incidents/incident.js';
import type { Findings } from '../incidents/service.js';
import { factsOf } from '../incidents/tell.js';
import { openGeo } from '../locations/geo.js';
import { type Running, start } from '../runtime.js';
import { EmbeddedStore } from '../stores/embedded.js';
import { BUILT_IN_ASN, loadSecrets } from '../wiring.js';
import { copyGuard } from './copy.js';
import { type DrillCall, operationsOf } from './operations.js';
import { practiceKeys } from './practice.js';
import { NOTICE_PATH, openSink, type Sink } from './sink.js';
import { type Attempt, Caller, type Guise, strangerTo } from './thief.js';
import { knownKeys, steal, type Victim } from './victims.js';

/** What a drill found. Times in ms from the thief's first call, where nothing else is said. */
export interface DrillReport {
  readonly copyMs: number;
  readonly keys: readonly string[];
  readonly tenants: readonly string[];
  /** Keys had no habits, so some were made for the drill. */
  readonly practice: boolean;
  readonly place: string;
  readonly calls: number;
  readonly firstFindingMs: number | undefined;
  readonly callsBeforeFinding: number;
  /** Operations of privilege 3 and 4: those that reached the upstream, and those that were held or refused. */
  readonly privilegedDone: number;
  readonly privilegedStopped: number;
  readonly incidents: number;
  readonly investigationMs: number;
  /** Stolen keys in the exact set, and keys in it that were not stolen. */
  readonly found: number;
  readonly wronglyFound: number;
  readonly containmentMs: number;
  readonly receipts: number;
  /** Calls with contained keys afterwards, and how many of them were accepted. */
  readonly probes: number;
  readonly acceptedAfter: number;
  readonly notices: number;
  readonly noticesMs: number;
  readonly totalMs: number;
}

export interface DrillOptions {
  readonly keys: number;
  /** Act on what is odd, whatever the configuration says; else as configured, but never off. */
  readonly enforce: boolean;
  readonly say: (line: string) => void;
}

const LOOKS = 4;
const DONE_MS = 60_000;

/** The whole exercise on a copy: theft, detection, scope, containment, proof, notices. The guard itself is only read. */
export async function drill(config: Config, { keys, enforce, say }: DrillOptions): Promise<DrillReport> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-drill-'));
  const sink = await openSink();
  const configured = config.detector.mode === 'enforce' ? 'enforce' : 'observe';
  const mode = enforce ? 'enforce' : configured;
  let running: Running | undefined;
  try {
    const began = performance.now();
    const copy = asDrill(await copyGuard(config, dir), sink.port, mode);
    const prepared = await prepare(copy, keys);
    running = await start(copy);
    const copyMs = Math.round(performance.now() - began);
    say(
      `The copy stands after ${seconds(copyMs)}, detector mode ${mode}; upstreams and recipients are a sink on this machine.`,
    );
    if (prepared.practice)
      say('No key is known well enough yet: the drill plays with keys and habits of its own.');
    return await new Exercise(running, copy, sink, say).run(prepared, copyMs);
  } finally {
    await running?.close();
    await sink.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** As configured, but that nothing leaves this machine and nobody outside is asked. */
function asDrill(config: Config, port: number, mode: Config['detector']['mode']): Config {
  return {
    ...config,
    listeners: [{ host: '127.0.0.1', port: 0, proxyProtocol: 'off' }],
    admin: { host: '127.0.0.1', port: 0 },
    trustedProxies: ['127.0.0.1'],
    forwardingHeader: 'x-forwarded-for',
    upstreams: config.upstreams.map(({ tls: _, locations: __, detectorMode: ___, ...each }) => ({
      ...each,
      url: `http://127.0.0.1:${port}`,
    })),
    detector: { ...config.detector, mode },
    containment: { ...config.containment, automatic: 'off' },
    leaks: { ...config.leaks, listener: undefined },
    notices: {
      ...config.notices,
      ...{ approval: 'required', smtp: undefined, ssf: undefined, reset: undefined },
      webhooks: { ...config.notices.webhooks, allowNetworks: ['127.0.0.0/8'] },
    },
  };
}

interface Prepared {
  readonly victims: readonly Victim[];
  readonly practice: boolean;
}

/** Before the copy is started: whose keys are stolen. */
async function prepare(config: Config, count: number): Promise<Prepared> {
  const { dataDir, upstreams } = config;
  const { fingerprints } = loadSecrets(config, true);
  const store = EmbeddedStore.open(path.join(dataDir, 'store'));
  try {
    const known = knownKeys(store, count);
    if (known.length > 0) return { victims: await steal(store, known, fingerprints), practice: false };
    const [first] = upstreams as [(typeof upstreams)[number]];
    const geo = await openGeo({ asnFile: BUILT_IN_ASN, ...config.geo });
    const { catalog } = buildUpstream(first, config.detector, new PathTemplates());
    const made = await practiceKeys(store, { name: first.name, catalog }, geo, fingerprints, Date.now());
    const stolen = made.slice(0, Math.min(count, made.length - 2));
    return { victims: await steal(store, stolen, fingerprints), practice: true };
  } finally {
    await store.close();
  }
}

class Exercise {
  readonly #running: Running;
  readonly #config: Config;
  readonly #sink: Sink;
  readonly #say: (line: string) => void;
  readonly #attempts: Attempt[] = [];

  constructor(running: Running, config: Config, sink: Sink, say: (line: string) => void) {
    this.#running = running;
    this.#config = config;
    this.#sink = sink;
    this.#say = say;
  }

  async run({ victims, practice }: Prepared, copyMs: number): Promise<DrillReport> {
    const caller = new Caller(this.#running.listeners[0]?.address.port ?? 0, (victim) =>
      this.#upstreamOf(victim),
    );
    try {
      const guise = strangerTo(this.#running.incidents.list());
      const tenants = [...new Set(victims.map(({ tenant }) => tenant))];
      this.#say(
        `Somebody at ${guise.address} has stolen ${counted(victims.length, 'key')} of ${counted(tenants.length, 'tenant')}.`,
      );
      const startMs = Date.now();
      await this.#steal(caller, victims, guise);
      const detection = this.#detection(victims, startMs);
      this.#say(detectionText(detection));
      const scope = await this.#scope(victims, detection.incident);
      const contained = await this.#contain(victims, detection.incident, scope.found);
      const acceptedAfter = await this.#probe(caller, victims, guise);
      const told = await this.#tell(detection.incident, scope.findings, tenants);
      const { incident: _, ...detected } = detection;
      const { findings: __, ...scoped } = scope;
      return {
        ...{ copyMs, keys: victims.map(({ id }) => id), tenants, practice, place: guise.address },
        ...{ ...detected, ...scoped, ...contained, ...told },
        ...{ calls: this.#attempts.length, probes: victims.length * LOOKS, acceptedAfter },
        totalMs: Date.now() - startMs,
      };
    } finally {
      caller.close();
    }
  }

  /** Looks around with each key, then does with each what he came for. */
  async #steal(caller: Caller, victims: readonly Victim[], guise: Guise): Promise<void> {
    for (const victim of victims)
      for (const call of this.#operationsOf(victim).reads.slice(0, LOOKS))
        this.#attempts.push(await caller.call(victim, guise, call));
    for (const victim of victims)
      for (const call of this.#operationsOf(victim).privileged)
        this.#attempts.push(await caller.call(victim, guise, call));
  }

  #detection(victims: readonly Victim[], startMs: number) {
    const stolen = new Set(victims.map(({ id }) => id));
    const open = this.#running.incidents
      .list('open')
      .filter(({ lastMs, trails }) => lastMs >= startMs && trails.some(({ key }) => stolen.has(key)));
    const first = Math.min(...open.flatMap(({ trails }) => trails.map((trail) => trail.firstMs)));
    const firstFindingMs = Number.isFinite(first) ? Math.max(0, first - startMs) : undefined;
    const privileged = this.#attempts.filter(({ privilege }) => privilege >= PRIVILEGED_FROM);
    const done = privileged.filter(({ mark }) => this.#sink.reached.has(mark)).length;
    return {
      firstFindingMs,
      callsBeforeFinding: this.#attempts.filter(({ atMs }) => firstFindingMs === undefined || atMs < first)
        .length,
      privilegedDone: done,
      privilegedStopped: privileged.length - done,
      incidents: open.length,
      incident: open[0],
    };
  }

  async #scope(victims: readonly Victim[], incident: Incident | undefined) {
    const began = performance.now();
    if (incident === undefined) return { investigationMs: 0, found: 0, wronglyFound: 0, findings: undefined };
    const findings = await this.#running.incidents.investigate(incident.id);
    const contain = findings.set.contain.map(({ key }) => key);
    const stolen = new Set(victims.map(({ id }) => id));
    const found = contain.filter((key) => stolen.has(key)).length;
    const investigationMs = Math.round(performance.now() - began);
    this.#say(
      `Scope after ${seconds(investigationMs)}: ${found} of ${counted(victims.length, 'stolen key')} in the exact set, ${counted(contain.length - found, 'other')}, ${findings.set.leftAlone.length} left alone with reasons.`,
    );
    return { investigationMs, found, wronglyFound: contain.length - found, findings };
  }

  /** The incident's exact set; where the detector saw nothing, the stolen keys by hand, as an operator would. */
  async #contain(victims: readonly Victim[], incident: Incident | undefined, found: number) {
    const { containment, revocations } = this.#running;
    const began = performance.now();
    const options = {
      ...{ measure: 'revoke' as const, why: 'drill', overlapSeconds: 0, waveKeys: 1000, gapSeconds: 0 },
      errorsMax: 0,
    };
    const missed = found < victims.length;
    const scope = {
      ...(incident === undefined ? {} : { incident: incident.id }),
      ...(missed ? { keys: victims.map(({ id }) => id) } : {}),
    };
    const plan = await containment.plan('drill', scope, options);
    await containment.start('drill', plan.id);
    await until(() => plan.state === 'done' || plan.state === 'stopped');
    const receipts = victims.filter(({ id }) => revocations.list({ key: id, limit: 1 }).length > 0).length;
    const containmentMs = Math.round(performance.now() - began);
    this.#say(
      `Contained after ${seconds(containmentMs)}: ${counted(plan.steps.length, 'key')} revoked, ${counted(receipts, 'signed receipt')}${missed ? '; what the detector had missed was named by hand' : ''}.`,
    );
    return { containmentMs, receipts };
  }

  /** The proof: no stolen key opens anything any more. */
  async #probe(caller: Caller, victims: readonly Victim[], guise: Guise): Promise<number> {
    let accepted = 0;
    for (const victim of victims)
      for (const call of this.#operationsOf(victim).reads.slice(0, 1))
        for (let n = 0; n < LOOKS; n++) {
          const { mark } = await caller.call(victim, guise, call);
          if (this.#sink.reached.has(mark)) accepted += 1;
        }
    this.#say(`Calls with the stolen keys afterwards: ${victims.length * LOOKS}, accepted ${accepted}.`);
    return accepted;
  }

  async #tell(incident: Incident | undefined, found: Findings | undefined, tenants: readonly string[]) {
    const began = performance.now();
    if (incident === undefined || found === undefined) return { notices: 0, noticesMs: 0 };
    const { keys, containment, revocations, notices, sealed, tenants: records, store } = this.#running;
    const secret = `whsec_${randomBytes(32).toString('base64')}`;
    const hook = { name: 'drill-webhook', upstream: '@webhooks', header: 'x', template: '{secret}', secret };
    await sealed.set('drill', hook);
    const url = `http://127.0.0.1:${this.#sink.port}${NOTICE_PATH}`;
    for (const id of tenants) {
      const contacts = { emails: [], webhooks: [{ url, secrets: [hook.name] }] };
      await records.set('drill', id, { name: store.tenant(id)?.name ?? id, contacts }, true);
    }
    const facts = factsOf(incident.id, {
      found,
      plans: containment.list(),
      keyOf: (key) => keys.find(key),
      receiptOf: (key) => revocations.list({ key, limit: 1 })[0]?.id,
    });
    const drafts = await notices.service.draft('drill', facts);
    for (const { id } of drafts) await notices.service.approve('drill', id, { codes: false });
    await until(() => this.#sink.notices.length >= drafts.length);
    const noticesMs = Math.round(performance.now() - began);
    this.#say(
      `Told after ${seconds(noticesMs)}: ${this.#sink.notices.length} signed notices arrived at the sink.`,
    );
    return { notices: this.#sink.notices.length, noticesMs };
  }

  #upstreamOf({ upstream }: Victim) {
    const { upstreams } = this.#config;
    return upstreams.find(({ name }) => name === upstream) ?? (upstreams[0] as (typeof upstreams)[number]);
  }

  #operationsOf(victim: Victim): ReturnType<typeof operationsOf> {
    const { name, prefixes } = this.#upstreamOf(victim);
    const { reads, privileged } = operationsOf(this.#running.catalogOf(name));
    const prefix = prefixes[0] === '/' ? '' : (prefixes[0] ?? '');
    const under = (call: DrillCall) =>
      call.path.startsWith(prefix) ? call : { ...call, path: `${prefix}${call.path}` };
    return { reads: reads.map(under), privileged: privileged.map(under) };
  }
}

function detectionText(found: {
  firstFindingMs: number | undefined;
  callsBeforeFinding: number;
  privilegedDone: number;
  privilegedStopped: number;
  incidents: number;
}): string {
  const privileged = `${found.privilegedDone} privileged operations reached the upstream, ${found.privilegedStopped} were stopped`;
  return found.firstFindingMs === undefined
    ? `Nothing was noticed; ${privileged}.`
    : `Noticed at call ${found.callsBeforeFinding + 1}, after ${seconds(found.firstFindingMs)}, as ${counted(found.incidents, 'incident')}; ${privileged}.`;
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** @throws {Error} when it does not come to pass in time */
async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + DONE_MS;
  while (!condition()) {
    if (Date.now() > end) throw new Error('The drill got stuck: something did not happen within a minute.');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
