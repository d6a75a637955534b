import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { KeyUsage } from '../core/key.js';
import type { Desk } from '../engine/desk.js';
import type { Change, Changes, Confirmation, GatewayRecord, KeyStore } from '../engine/ports.js';
import type { Applier } from './applier.js';
import { Peer } from './peer.js';
import {
  CHANGE_IDS_MAX,
  Decoder,
  type Enrolment,
  encode,
  type FromGateway,
  fromGateway,
  type JoinMessage,
  ProtocolFault,
} from './protocol.js';

/** LMDB has room for 126 readers. */
export const GATEWAYS_MAX = 64;
const JOIN_MS = 5_000;
/** Of sun_path in Linux; other systems have a little less. */
const SOCKET_PATH_BYTES_MAX = 103;

export interface ControlParts {
  readonly socketPath: string;
  readonly leaseMs: number;
  readonly inFlight: 'finish' | 'abort';
  readonly store: KeyStore;
  readonly applier: Applier;
  /** Takes in what a gateway counted; resolves when it is in the store. */
  readonly addUsage: (usage: ReadonlyMap<string, KeyUsage>) => Promise<void>;
  /** Keeps a key that an upstream has accepted at a gateway. @returns false where it is known already */
  readonly enrol: (key: Enrolment) => Promise<boolean>;
  readonly event: (event: GatewayEvent, gateway: { readonly name: string; readonly pid: number }) => void;
  /** A connection that was closed because it did not keep to the protocol. */
  readonly refused: (why: string) => void;
}

export type GatewayEvent = 'joined' | 'left' | 'lost';

/** The process that writes the store, as gateways see it: tells them of changes and grants their leases. */
export class Control implements Changes {
  readonly #parts: ControlParts;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  /** By instance. */
  readonly #peers = new Map<string, Peer>();
  #seq = 0;
  #closed = false;

  private constructor(parts: ControlParts) {
    this.#parts = parts;
    this.#server = net.createServer((socket) => this.#connected(socket));
    // An earlier control process may have granted each of these a lease just before it ended.
    for (const record of parts.store.gateways()) this.#peer(record).assumeLive();
  }

  /** @param parts the caller is the only control process of this data directory */
  static async open(parts: ControlParts): Promise<Control> {
    const control = new Control(parts);
    const { socketPath } = parts;
    if (Buffer.byteLength(socketPath) > SOCKET_PATH_BYTES_MAX) {
      parts.refused(`${socketPath} is too long for a socket; no gateway can join. Set gateways.socket.`);
      return control;
    }
    mkdirSync(path.dirname(socketPath), { recursive: true, mode: 0o700 });
    rmSync(socketPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      control.#server.once('error', reject);
      control.#server.listen(socketPath, resolve);
    });
    chmodSync(socketPath, 0o600);
    return control;
  }

  get inFlight(): 'finish' | 'abort' {
    return this.#parts.inFlight;
  }

  gateways(): { name: string; pid: number; connected: boolean; live: boolean }[] {
    return [...this.#peers.values()].map(({ record: { name, pid }, connected, live }) => ({
      ...{ name, pid, connected, live },
    }));
  }

  /** Of all that may be there: one that has no connection may still run and hold calls, until another has its name. */
  desks(): { name: string; desk: Desk }[] {
    return [...this.#peers.values()]
      .filter(
        ({ connected, record: { name } }) => connected || !this.#named(name).some((each) => each.connected),
      )
      .map(({ record: { name }, desk }) => ({ name, desk }));
  }

  async announce(change: Change): Promise<Confirmation[]> {
    // All pieces are in force here, and on their way, before anything is waited for.
    const told = piecesOf(change).map((piece) => this.#announce(piece));
    return (await Promise.all(told)).flat();
  }

  close(): void {
    this.#closed = true;
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    for (const peer of this.#peers.values()) peer.close();
  }

  #announce(change: Change): Promise<Confirmation[]> {
    const { keys = [], tenants = [], ends = false } = change;
    const startedMs = performance.now();
    const cut = ends && this.inFlight === 'abort';
    const standing = this.#parts.applier.apply(change, cut);
    this.#seq += 1;
    const message = {
      ...{ type: 'change' as const, seq: this.#seq, keys: [...keys], tenants: [...tenants], cut },
    };
    const waits = [...this.#peers.values()].map((peer) => peer.tell(message));
    const own: Confirmation = {
      name: 'control',
      pid: process.pid,
      policy: 'stop',
      kind: 'acknowledged',
      atMs: Date.now(),
      milliseconds: performance.now() - startedMs,
      keys: standing,
    };
    return Promise.all([own, ...waits.filter((each) => each !== undefined)]);
  }

  #peer(record: GatewayRecord): Peer {
    const peer = new Peer(record, {
      lost: () => this.#parts.event('lost', record),
      // One that goes on without a lease is remembered, until another of its name takes its place.
      gone: () => {
        if (!peer.acceptsAnyway || this.#named(record.name).length > 1) this.#forget(peer);
      },
    });
    this.#peers.set(record.instance, peer);
    return peer;
  }

  #named(name: string): Peer[] {
    return [...this.#peers.values()].filter(({ record }) => record.name === name);
  }

  #forget(peer: Peer): void {
    const { instance } = peer.record;
    if (this.#closed || this.#peers.get(instance) !== peer) return;
    this.#peers.delete(instance);
    this.#parts.store.write({ removeGateways: [instance] }).catch(() => undefined);
  }

  #connected(socket: net.Socket): void {
    this.#sockets.add(socket);
    let peer: Peer | undefined;
    let joining = false;
    const decoder = new Decoder<FromGateway>(fromGateway);
    const timer = setTimeout(() => socket.destroy(), JOIN_MS);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
      peer?.detach(socket);
    });
    socket.on('data', (bytes: Buffer) => {
      try {
        for (const message of decoder.take(bytes)) {
          if (peer !== undefined) this.#message(peer, socket, message);
          else if (message.type === 'join' && !joining) {
            joining = true;
            void this.#join(socket, message).then((joined) => {
              clearTimeout(timer);
              peer = joined;
            });
          } else throw new ProtocolFault('A message came before its time.');
        }
      } catch (error) {
        this.#parts.refused((error as Error).message);
        socket.destroy();
      }
    });
  }

  /** It is in the store before it may accept anything: after a crash the next control process knows of it. */
  async #join(socket: net.Socket, message: JoinMessage): Promise<Peer | undefined> {
    const { name, instance, pid, policy } = message;
    const record = { instance, name, pid, policy, leaseMs: this.#parts.leaseMs };
    let why = this.#unwelcome(record);
    if (why === undefined) {
      try {
        await this.#parts.store.write({ gateways: [record] });
      } catch {
        socket.destroy();
      }
      if (socket.destroyed) return undefined;
      why = this.#unwelcome(record);
    }
    if (why !== undefined) {
      socket.end(encode({ type: 'refused', why }));
      return undefined;
    }
    const peer = this.#peers.get(instance) ?? this.#peer(record);
    peer.attach(socket);
    for (const each of this.#named(name))
      if (each !== peer && !each.connected && !each.live) this.#forget(each);
    // What is announced from here on follows on the same connection.
    peer.send({ type: 'welcome', seq: this.#seq });
    this.#parts.event('joined', record);
    return peer;
  }

  #unwelcome({ name, instance }: GatewayRecord): string | undefined {
    const others = [...this.#peers.values()].filter(({ record }) => record.instance !== instance);
    const same = others.find((each) => each.connected && each.record.name === name);
    if (name === 'control') return 'The name control is taken by the control process itself.';
    if (same !== undefined) return `The name ${name} is taken by process ${same.record.pid}.`;
    return others.length < GATEWAYS_MAX ? undefined : `There are ${GATEWAYS_MAX} gateways already.`;
  }

  #message(peer: Peer, socket: net.Socket, message: FromGateway): void {
    if (peer.isOver(socket)) return;
    switch (message.type) {
      case 'renew':
        peer.renew(message.n, message.applied);
        return;
      case 'ack': {
        const wallMs = Date.now();
        const standing = message.keys.map(({ last, ...rest }) => ({
          ...rest,
          last: last && { request: last.request, timeMs: wallMs - last.agoMs },
        }));
        peer.acknowledge(message.seq, standing);
        return;
      }
      case 'usage': {
        const usage = new Map(message.rows.map(({ key, ...row }) => [key, row]));
        const answer = () => peer.send({ type: 'usageTaken', n: message.n });
        this.#parts.addUsage(usage).then(answer, answer);
        return;
      }
      case 'enrol': {
        const answer = (stored: boolean) => peer.send({ type: 'enrolled', n: message.n, stored });
        this.#parts.enrol(message.key).then(answer, () => answer(false));
        return;
      }
      case 'answer': {
        const { type: _, n, ...answer } = message;
        peer.answered(n, answer);
        return;
      }
      case 'leave':
        peer.leave();
        this.#parts.event('left', peer.record);
        socket.end();
        return;
      case 'join':
        throw new ProtocolFault('It has joined already.');
    }
  }
}

/** One change, or as many as it takes to keep each within the bound. */
function piecesOf(change: Change): Change[] {
  const { keys = [], tenants = [], ends } = change;
  const pieces: Change[] = [];
  for (let at = 0; at < Math.max(keys.length, tenants.length, 1); at += CHANGE_IDS_MAX)
    pieces.push({
      keys: keys.slice(at, at + CHANGE_IDS_MAX),
      tenants: tenants.slice(at, at + CHANGE_IDS_MAX),
      ends: ends === true,
    });
  return pieces;
}
