import net from 'node:net';
import tls from 'node:tls';

/** Where a pool connects to, and its bounds. */
export interface UpstreamTarget {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** TLS options towards the upstream; absent for plain TCP. */
  readonly tls?: tls.ConnectionOptions;
  readonly connectionsMax: number;
  readonly queueMax: number;
  readonly connectTimeoutMs: number;
  readonly keepAliveMs: number;
}

/** Why no connection could be had. */
export type UpstreamFault = 'upstream_unreachable' | 'upstream_connect_timeout' | 'upstream_busy';

/** Who uses a connection at the moment. */
export interface ConnectionUser {
  /** @returns whether `bytes` may still be in use after the call; if not, the next are read over them */
  upstreamData(bytes: Buffer): boolean;
  upstreamDrain(): void;
  /** The upstream ended or broke the connection. */
  upstreamClosed(): void;
}

/** Who waits for one. */
export interface ConnectionWaiter extends ConnectionUser {
  connected(connection: UpstreamConnection): void;
  notConnected(fault: UpstreamFault): void;
}

const READ_BYTES = 64 * 1024;

/**
 * Memory that a connection reads into: the same again and again, and other memory only when what was read is
 * still held. A fresh buffer for each read costs more than reading it.
 */
class ReadMemory {
  #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  held = false;

  next(): Buffer {
    if (this.held) this.#buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    this.held = false;
    return this.#buffer;
  }
}

/** One connection to the upstream; carries one exchange at a time. */
export class UpstreamConnection {
  user: ConnectionUser | undefined;
  /** Whether an earlier exchange used it: then it may have been closed under us, and a retry is safe. */
  reused = false;
  idleUntilMs = 0;
  readonly socket: net.Socket;

  constructor(socket: net.Socket, closed: (connection: UpstreamConnection) => void) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('drain', () => this.user?.upstreamDrain());
    socket.on('end', () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      closed(this);
      const user = this.user;
      this.user = undefined;
      user?.upstreamClosed();
    });
  }
}

function readTo(connection: UpstreamConnection, bytes: Buffer): boolean {
  if (connection.user !== undefined) return connection.user.upstreamData(bytes);
  // Nothing was asked: an upstream that speaks all the same is not to be trusted with a request.
  connection.socket.destroy();
  return false;
}

/** Bounded pool of kept-alive connections to one upstream, last used first. */
export class UpstreamPool {
  readonly target: UpstreamTarget;
  readonly #idle: UpstreamConnection[] = [];
  readonly #waiting: ConnectionWaiter[] = [];
  #open = 0;
  #closed = false;

  constructor(target: UpstreamTarget) {
    this.target = target;
  }

  /** Whether the last attempt to connect succeeded; true before the first. */
  healthy = true;

  get open(): number {
    return this.#open;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Hands the waiter a connection now, or when one is free; or a fault. */
  acquire(waiter: ConnectionWaiter, nowMs: number): void {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.idleUntilMs <= nowMs || connection.socket.destroyed) {
        connection.socket.destroy();
        continue;
      }
      connection.user = waiter;
      waiter.connected(connection);
      return;
    }
    this.acquireFresh(waiter);
  }

  /** A new connection, for a retry after a kept-alive one turned out closed. */
  acquireFresh(waiter: ConnectionWaiter): void {
    if (this.#open < this.target.connectionsMax) this.#connect(waiter);
    else if (this.#waiting.length < this.target.queueMax) this.#waiting.push(waiter);
    else waiter.notConnected('upstream_busy');
  }

  /** The waiter gave up. */
  forget(waiter: ConnectionWaiter): void {
    const at = this.#waiting.indexOf(waiter);
    if (at !== -1) this.#waiting.splice(at, 1);
  }

  /** Takes back a connection that can carry another exchange. */
  release(connection: UpstreamConnection, nowMs: number, keepAliveHintMs: number | undefined): void {
    connection.reused = true;
    const next = this.#waiting.shift();
    connection.user = next;
    if (next !== undefined) {
      next.connected(connection);
      return;
    }
    // One second less than the upstream says: a request must not cross with its FIN.
    const keepMs = Math.min(
      this.target.keepAliveMs,
      keepAliveHintMs === undefined ? Number.POSITIVE_INFINITY : keepAliveHintMs - 1000,
    );
    if (this.#closed || keepMs <= 0) {
      connection.socket.destroy();
      return;
    }
    connection.idleUntilMs = nowMs + keepMs;
    this.#idle.push(connection);
  }

  /** Closes idle connections that are past their time. */
  sweep(nowMs: number): void {
    for (let at = this.#idle.length - 1; at >= 0; at -= 1) {
      const connection = this.#idle[at];
      if (connection !== undefined && connection.idleUntilMs <= nowMs) {
        this.#idle.splice(at, 1);
        connection.socket.destroy();
      }
    }
  }

  /** Closes idle connections now and the others when their exchange ends. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) connection.socket.destroy();
  }

  #connect(waiter: ConnectionWaiter): void {
    const secure = this.target.tls !== undefined;
    const memory = new ReadMemory();
    const options = {
      host: this.target.host,
      port: this.target.port,
      onread: {
        buffer: () => memory.next(),
        callback: (bytes: number, buffer: Uint8Array) => {
          memory.held = readTo(connection, (buffer as Buffer).subarray(0, bytes));
          return true;
        },
      },
    };
    const socket = secure ? tls.connect({ ...options, ...this.target.tls }) : net.connect(options);
    this.#open += 1;
    let pending: ConnectionWaiter | undefined = waiter;
    const fail = (fault: UpstreamFault) => {
      const failed = pending;
      pending = undefined;
      if (failed !== undefined) this.healthy = false;
      clearTimeout(timer);
      socket.destroy();
      failed?.notConnected(fault);
    };
    const timer = setTimeout(() => fail('upstream_connect_timeout'), this.target.connectTimeoutMs);
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      const ready = pending;
      pending = undefined;
      if (ready === undefined) return;
      this.healthy = true;
      connection.user = ready;
      ready.connected(connection);
    });
    socket.once('error', () => fail('upstream_unreachable'));
    const connection = new UpstreamConnection(socket, (closed) => this.#gone(closed));
    socket.once('close', () => fail('upstream_unreachable'));
  }

  #gone(connection: UpstreamConnection): void {
    this.#open -= 1;
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    if (this.#open >= this.target.connectionsMax) return;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#connect(next);
  }
}
