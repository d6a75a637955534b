import { PRIVILEGED_FROM } from '../../core/observation.js';
import type { Action } from '../../core/response.js';
import type { Sighting } from '../../detectors/contract.js';
import type { JudgedRow, LineReason } from './analysis.js';
import { Timeline } from './timeline.js';

/** Alarms of a key that are no further apart are one episode. */
const EPISODE_GAP_MS = 3_600_000;
const EPISODES_MAX = 10_000;
const CALLS_MAX = 40;
const TALLY_MAX = 64;

/** One call of an episode, as the report shows it. */
export interface EpisodeCall {
  readonly file: string;
  readonly line: number;
  readonly timeMs: number;
  readonly operation: string;
  readonly privilege: number;
  readonly address: string;
  readonly userAgent: string;
  readonly status: number | undefined;
  readonly evidence: number;
  readonly decision: Action;
  readonly reasons: readonly LineReason[];
}

/** Alarms of one key that belong together. */
export interface Episode {
  readonly key: string;
  readonly tenant: string | undefined;
  readonly principal: string | undefined;
  readonly startMs: number;
  endMs: number;
  calls: number;
  /** Of privilege 3 and more. */
  privileged: number;
  held: number;
  peak: number;
  /** Of the call with the most evidence. */
  reasons: readonly LineReason[];
  readonly operations: Map<string, number>;
  readonly places: Map<string, number>;
  /** Of all its calls. */
  readonly timeline: Timeline;
  /** The first few. */
  readonly examples: EpisodeCall[];
}

/** Gathers alarms into episodes while the scan goes on; bounded. */
export class Episodes {
  readonly list: Episode[] = [];
  readonly #open = new Map<string, Episode>();
  /** Episodes that were not kept. */
  dropped = 0;

  note(judged: JudgedRow): void {
    if (judged.decision === 'allow') return;
    const { sighting } = judged;
    const { actor, observation } = sighting;
    const episode = this.#episodeOf(sighting);
    if (episode === undefined) return;
    episode.endMs = Math.max(episode.endMs, observation.timeMs);
    episode.calls += 1;
    if (judged.decision === 'hold' || judged.decision === 'deny') episode.held += 1;
    if (judged.evidence > episode.peak) {
      episode.peak = judged.evidence;
      episode.reasons = judged.reasons;
    }
    tally(episode.operations, observation.operation.name);
    tally(episode.places, placeText(sighting));
    const privileged = observation.operation.privilege >= PRIVILEGED_FROM;
    if (privileged) episode.privileged += 1;
    episode.timeline.note(observation.timeMs, judged.evidence, privileged);
    if (episode.examples.length < CALLS_MAX) episode.examples.push(callOf(judged, sighting));
    this.#open.set(actor.key, episode);
  }

  #episodeOf({ actor, observation }: Sighting): Episode | undefined {
    const open = this.#open.get(actor.key);
    if (open !== undefined && observation.timeMs - open.endMs <= EPISODE_GAP_MS) return open;
    if (this.list.length >= EPISODES_MAX) {
      this.dropped += 1;
      return undefined;
    }
    const episode: Episode = {
      key: actor.key,
      tenant: actor.tenant,
      principal: actor.principal,
      startMs: observation.timeMs,
      endMs: observation.timeMs,
      calls: 0,
      privileged: 0,
      held: 0,
      peak: 0,
      reasons: [],
      operations: new Map(),
      places: new Map(),
      timeline: new Timeline(),
      examples: [],
    };
    this.list.push(episode);
    return episode;
  }
}

function tally(counts: Map<string, number>, name: string): void {
  const count = counts.get(name);
  if (count !== undefined || counts.size < TALLY_MAX) counts.set(name, (count ?? 0) + 1);
}

function placeText({ observation: { address, place } }: Sighting): string {
  const asn = place.asn === undefined ? '' : `AS${place.asn} ${place.network ?? ''}`.trim();
  return [address, asn, place.country].filter((part) => part !== undefined && part !== '').join(', ');
}

function callOf(judged: JudgedRow, { observation, outcome }: Sighting): EpisodeCall {
  return {
    file: judged.file,
    line: judged.line,
    timeMs: observation.timeMs,
    operation: observation.operation.name,
    privilege: observation.operation.privilege,
    address: observation.address,
    userAgent: observation.userAgent,
    status: outcome?.status,
    evidence: judged.evidence,
    decision: judged.decision,
    reasons: judged.reasons,
  };
}
