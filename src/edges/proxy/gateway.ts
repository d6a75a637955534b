import type { Admission } from '../../engine/admission.js';
import type { GuardLoop } from '../../engine/guard-loop.js';
import type { Upstream } from '../../engine/routing.js';
import type { Injected } from '../../keys/sealed-service.js';
import type { ExchangeTimeouts } from './exchange.js';
import type { HeldMemory } from './held-memory.js';
import type { UpstreamPool } from './upstream-pool.js';

/** A protected API with what the proxy needs to reach it. */
export interface ProxyUpstream extends Upstream {
  readonly pool: UpstreamPool;
  readonly timeouts: ExchangeTimeouts;
  /** Its own host and port, for the Host header. */
  readonly authority: string;
  readonly hostHeader: 'upstream' | 'preserve';
  readonly identityHeaders: boolean;
  readonly upgrades: readonly string[];
}

/** Bounds on client connections, in milliseconds and bytes. */
export interface ClientBounds {
  readonly connectionsMax: number;
  readonly headMs: number;
  readonly idleMs: number;
  readonly headBytesMax: number;
  /** Bodies of held calls, in all. */
  readonly heldBytesMax: number;
}

/** What every client connection shares. */
export interface Gateway {
  readonly loop: GuardLoop<ProxyUpstream>;
  bounds: ClientBounds;
  readonly heldMemory: HeldMemory;
  /** Page where a person approves a hold, with `{hold}` for its id. */
  approvalUrl: string | undefined;
  /** The sealed credential to inject for this key; throws SealFault when it cannot be opened. */
  injection(admission: Admission<ProxyUpstream>): Injected | undefined;
}
