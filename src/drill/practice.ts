import type { Catalog } from '../catalogs/match.js';
import type { KeyRecord } from '../core/key.js';
import { AlarmBudget } from '../detectors/budget.js';
import { Detector } from '../detectors/detector.js';
import { LearningGuard } from '../detectors/learning-guard.js';
import type { Geo } from '../engine/ports.js';
import type { Fingerprints } from '../keys/fingerprint.js';
import { mintKey, newKeyId } from '../keys/format.js';
import type { EmbeddedStore } from '../stores/embedded.js';
import { parseTarget } from '../wire/request-target.js';
import { operationsOf } from './operations.js';

const HOUR_MS = 3_600_000;
const DAYS = 14;
/** Scripts of a small provider: where each comes from, and with what. */
const SCRIPTS = [
  ['18.184.10.9', 'python-requests/2.31.0'],
  ['3.120.44.8', 'Go-http-client/2.0'],
  ['95.216.7.30', 'python-requests/2.31.0'],
  ['87.128.3.7', 'curl/8.1.2'],
  ['52.16.90.4', 'okhttp/4.11.0'],
  ['20.79.1.77', 'axios/1.4.0'],
  ['35.198.5.5', 'python-requests/2.28.2'],
  ['51.38.12.6', 'Ruby'],
] as const;

/** Keys of a provider that has none yet, with two weeks of habits: hourly reads, each from its place, with its tool. */
export async function practiceKeys(
  store: EmbeddedStore,
  upstream: { readonly name: string; readonly catalog: Catalog },
  geo: Geo,
  fingerprints: Fingerprints,
  nowMs: number,
): Promise<KeyRecord[]> {
  const detector = new Detector();
  const learning = new LearningGuard(detector, true);
  const budget = new AlarmBudget();
  const keys = SCRIPTS.map((_, n) => keyOf(n, upstream.name, fingerprints, nowMs));
  const { reads } = operationsOf(upstream.catalog);
  for (let hour = 24 * DAYS; hour > 0; hour--) {
    for (const [n, [address, userAgent]] of SCRIPTS.entries()) {
      const { id, tenant, principal } = keys[n] as KeyRecord;
      for (let call = 0; call < 3; call++) {
        const { method, path } = reads[(n + call) % reads.length] as (typeof reads)[number];
        const timeMs = nowMs - hour * HOUR_MS + n * 60_000 + call * 2_000;
        const observation = {
          ...{ timeMs, upstream: upstream.name, method, path, address, userAgent, objects: [], bodyBytes: 0 },
          operation: upstream.catalog.match(method, segmentsOf(path)),
          place: geo.lookup(address),
        };
        const judgement = learning.assess({ actor: { key: id, tenant, principal }, observation });
        learning.settle(judgement, 'allowed');
        detector.conclude(judgement, { status: 200, bytesOut: 2 });
        budget.note(judgement.baseline, timeMs, judgement.evidence);
      }
    }
  }
  await store.write({ keys });
  const baselines = new Map(keys.map(({ id }) => [id, detector.baselineOf(id).pack()]));
  const population = detector.population.snapshot();
  await store.writeLearned({ baselines, population, budget: budget.snapshot() });
  return keys;
}

function segmentsOf(path: string): readonly string[] {
  const target = parseTarget(path, 'forward');
  return target.kind === 'done' ? target.segments : [];
}

function keyOf(n: number, upstream: string, fingerprints: Fingerprints, nowMs: number): KeyRecord {
  const id = newKeyId();
  return {
    ...{ id, kind: 'issued', env: 'live', name: `drill ${n}`, tenant: `drill-${n % 5}` },
    ...{ principal: `drill-script-${n}`, upstreams: [upstream], limits: {} },
    fingerprint: fingerprints.issued(mintKey('live', id)),
    ...{ createdMs: nowMs - DAYS * 24 * HOUR_MS, createdBy: 'drill' },
  };
}
