import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Verdict } from '../core/verdict.js';
import type { Observer } from '../engine/decisions.js';
import type { JournalHealth } from '../engine/ports.js';
import type { Outcome } from '../journal/entry.js';

/** State of an upstream's connections, read when the metrics are. */
export interface UpstreamGauges {
  readonly name: string;
  readonly open: number;
  readonly waiting: number;
  readonly healthy: boolean;
}

/** Where the gauges read from; called at each scrape. */
export interface MetricSources {
  journal(): JournalHealth;
  budget(): {
    readonly keyDays: number;
    readonly allowed: number;
    readonly spent: number;
    readonly falseAlarms: number;
    readonly threshold: number;
  };
  upstreams(): readonly UpstreamGauges[];
  clientConnections(): number;
}

const DECISION_SECONDS = [5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 5e-3];
const REVOCATION_SECONDS = [1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1, 2, 5];
const REQUEST_SECONDS = [1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60];
/** `aborted` of an outcome, where the upstream is to blame. */
const UPSTREAM_FAULT = /^upstream_/;

/** Prometheus metrics of one guard. Labels are closed lists or names from the configuration: their number is bounded. */
export class Metrics implements Observer {
  readonly registry = new Registry();
  readonly #deliveries = new Counter({
    name: 'keyward_delivery_attempts_total',
    help: 'Attempts to deliver notices and security events, by channel and by the state that followed.',
    labelNames: ['channel', 'state'],
    registers: [this.registry],
  });
  readonly #decisions: Counter<'upstream' | 'verdict' | 'reason'>;
  readonly #decisionSeconds: Histogram<'upstream'>;
  readonly #requestSeconds: Histogram<'upstream'>;
  readonly #responses: Counter<'upstream' | 'status'>;
  readonly #turnedAway: Counter<'code'>;
  readonly #detectorErrors: Counter;
  readonly #upstreamFailures: Counter<'upstream' | 'fault'>;
  readonly #aborts: Counter<'upstream'>;
  readonly #leasesLost = new Counter({
    name: 'keyward_gateway_leases_lost_total',
    help: 'Leases of gateways that ran out: in the control process of all, in a gateway its own.',
    registers: [this.registry],
  });
  readonly #revocationSeconds = new Histogram({
    name: 'keyward_revocation_duration_seconds',
    help: 'From the tombstone in the store to the receipt: until no gateway accepts the key.',
    buckets: REVOCATION_SECONDS,
    registers: [this.registry],
  });

  constructor() {
    const registers = [this.registry];
    this.#decisions = new Counter({
      name: 'keyward_decisions_total',
      help: 'Decisions by verdict and reason.',
      labelNames: ['upstream', 'verdict', 'reason'],
      registers,
    });
    this.#decisionSeconds = new Histogram({
      name: 'keyward_decision_duration_seconds',
      help: 'Time from the parsed request head to the decision.',
      labelNames: ['upstream'],
      buckets: DECISION_SECONDS,
      registers,
    });
    this.#requestSeconds = new Histogram({
      name: 'keyward_request_duration_seconds',
      help: 'Time of forwarded requests, from the decision to the last byte of the response.',
      labelNames: ['upstream'],
      buckets: REQUEST_SECONDS,
      registers,
    });
    this.#responses = new Counter({
      name: 'keyward_upstream_responses_total',
      help: 'Responses of upstreams by status class.',
      labelNames: ['upstream', 'status'],
      registers,
    });
    this.#turnedAway = new Counter({
      name: 'keyward_turned_away_total',
      help: 'Requests that reached no decision: no route, ambiguous, method not served.',
      labelNames: ['code'],
      registers,
    });
    this.#detectorErrors = new Counter({
      name: 'keyward_detector_errors_total',
      help: 'Calls that the detector failed on.',
      registers,
    });
    this.#upstreamFailures = new Counter({
      name: 'keyward_upstream_failures_total',
      help: 'Exchanges that an upstream failed, by fault.',
      labelNames: ['upstream', 'fault'],
      registers,
    });
    this.#aborts = new Counter({
      name: 'keyward_client_aborts_total',
      help: 'Exchanges that the client broke off.',
      labelNames: ['upstream'],
      registers,
    });
  }

  deliveryTried(channel: string, state: string): void {
    this.#deliveries.inc({ channel, state });
  }

  /** Adds the gauges and the metrics of the process. */
  watch(sources: MetricSources): void {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    const upstreamGauge = (name: string, help: string, value: (upstream: UpstreamGauges) => number) =>
      new Gauge({
        name,
        help,
        labelNames: ['upstream'],
        registers,
        collect() {
          this.reset();
          for (const upstream of sources.upstreams()) this.set({ upstream: upstream.name }, value(upstream));
        },
      });
    upstreamGauge('keyward_upstream_up', '1 unless the last attempt to connect failed.', (upstream) =>
      upstream.healthy ? 1 : 0,
    );
    upstreamGauge('keyward_upstream_connections', 'Open connections to the upstream.', ({ open }) => open);
    upstreamGauge(
      'keyward_upstream_waiting',
      'Requests that wait for a connection.',
      ({ waiting }) => waiting,
    );
    const gauge = this.#gauge.bind(this);
    gauge('keyward_client_connections', 'Open client connections.', () => sources.clientConnections());
    gauge(
      'keyward_alarm_threshold_nats',
      'Evidence from which a call is an alarm.',
      () => sources.budget().threshold,
    );
    gauge('keyward_alarm_budget', 'Alarms that the budget allowed so far.', () => sources.budget().allowed);
    gauge('keyward_alarms', 'Days of keys with an alarm.', () => sources.budget().spent);
    gauge(
      'keyward_false_alarms',
      'Of these, days whose alarm an operator called false.',
      () => sources.budget().falseAlarms,
    );
    gauge('keyward_journal_up', '1 while the journal can be written.', () => (sources.journal().ok ? 1 : 0));
    gauge('keyward_journal_entries', 'Entries written since the start.', () => sources.journal().entries);
    gauge('keyward_journal_lag_entries', 'Entries not on disk yet.', () => sources.journal().lagEntries);
    gauge(
      'keyward_journal_lag_seconds',
      'Age of the oldest entry that is not on disk yet.',
      () => sources.journal().lagMs / 1000,
    );
    gauge(
      'keyward_journal_lost_entries',
      'Entries dropped while the journal could not be written.',
      () => sources.journal().lost,
    );
  }

  decided(upstream: string, verdict: Verdict, microseconds: number): void {
    const reason = verdict.decision === 'allow' ? '' : verdict.reason.code;
    this.#decisions.inc({ upstream, verdict: verdict.decision, reason });
    this.#decisionSeconds.observe({ upstream }, microseconds / 1e6);
  }

  /** Of the control process: gateways that hold a lease. */
  watchGateways(live: () => number): void {
    this.#gauge('keyward_gateways_live', 'Further gateways that hold a lease.', live);
  }

  watchIncidents(open: () => number): void {
    this.#gauge('keyward_incidents_open', 'Incidents that nobody has closed yet.', open);
  }

  /** Of a gateway. */
  watchLease(held: () => boolean): void {
    this.#gauge('keyward_lease_held', '1 while this gateway holds its lease.', () => (held() ? 1 : 0));
  }

  #gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(value());
      },
    });
  }

  leaseLost(): void {
    this.#leasesLost.inc();
  }

  revoked(seconds: number): void {
    this.#revocationSeconds.observe(seconds);
  }

  detectorFailed(): void {
    this.#detectorErrors.inc();
  }

  turnedAway(code: string): void {
    this.#turnedAway.inc({ code });
  }

  finished(upstream: string, outcome: Outcome): void {
    this.#requestSeconds.observe({ upstream }, outcome.latencyMs / 1000);
    if (outcome.status > 0)
      this.#responses.inc({ upstream, status: `${Math.floor(outcome.status / 100)}xx` });
    const { aborted } = outcome;
    if (aborted === undefined) return;
    if (UPSTREAM_FAULT.test(aborted)) this.#upstreamFailures.inc({ upstream, fault: aborted });
    else if (aborted === 'client_aborted') this.#aborts.inc({ upstream });
  }
}
