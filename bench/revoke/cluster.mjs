import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../free-port.mjs';
import { Client } from './client.mjs';
import { Link } from './link.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const bin = path.resolve(here, '../../bin/keyward.mjs');
const START_MS = 30_000;

/** Processes of this run; all are stopped by pid, whatever happens. */
const children = new Set();
process.once('exit', stopAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

function stopAll() {
  for (const child of children) child.kill('SIGKILL');
}

async function startProcess(args, env, ready) {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env },
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  let out = '';
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${args.join(' ')} did not start.`)), START_MS);
    child.once('exit', () => reject(new Error(`${args.join(' ')} ended at its start.`)));
    child.stdout.on('data', (bytes) => {
      out += bytes;
      if (!ready.test(out)) return;
      clearTimeout(timer);
      resolve();
    });
  });
  return { child, out };
}

/** The clock of each gateway: right, ten minutes ahead, jumping by seven minutes, … */
const SKEWS = [{}, { SKEW_MS: '600000' }, { SKEW_MS: '420000', SKEW_JUMPS: '1' }, { SKEW_MS: '-3600000' }];

/** A control process, gateways and their upstream: real processes on this machine. */
export class Cluster {
  dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-revoke-'));
  /** The control process, which is a gateway, too, comes first. */
  nodes = [];
  #agent = new http.Agent({ keepAlive: true });
  #adminPort;
  judge;
  token;

  static async start({ gateways }) {
    const cluster = new Cluster();
    const upstream = await startProcess([path.join(here, 'upstream.mjs')], {}, /\n/);
    const { port } = JSON.parse(upstream.out);
    cluster.judge = new Client(port);
    const ports = await Promise.all(Array.from({ length: gateways + 2 }, freePort));
    const [controlPort, adminPort, ...gatewayPorts] = ports;
    const at = (name) => path.join(cluster.dir, name);
    const socket = at('c.sock');
    const write = (file, own) =>
      writeFileSync(
        at(file),
        JSON.stringify({
          ...{ dataDir: './data', listeners: [{ port: controlPort }], admin: { port: adminPort } },
          log: { level: 'error' },
          upstreams: [{ name: 'api', url: `http://127.0.0.1:${port}`, connectionsMax: 128 }],
          gateways: { socket: own },
        }),
      );
    write('control.yaml', socket);
    const node = (name, own, args, ready, env) => ({
      name,
      port: own,
      client: new Client(own),
      args,
      ready,
      env,
    });
    cluster.nodes = [
      node('control', controlPort, [bin, 'up', '--config', at('control.yaml')], /^admin .*\n/m, {}),
      ...gatewayPorts.map((own, n) => {
        const name = `gateway-${n + 1}`;
        write(`${name}.yaml`, at(`${n}.sock`));
        const link = new Link(at(`${n}.sock`), socket);
        const skew = ['--import', path.join(here, 'skew.mjs')];
        const file = ['--config', at(`${name}.yaml`)];
        const args = [...skew, bin, 'gateway', ...file, '--name', name, '--port', String(own)];
        return { ...node(name, own, args, /^gateway .*\n/m, SKEWS[n % SKEWS.length]), link };
      }),
    ];
    cluster.#adminPort = adminPort;
    const [control, ...others] = cluster.nodes;
    const out = await cluster.restart(control);
    cluster.token = /kw_admin_\w+/.exec(out)?.[0];
    for (const each of others) await cluster.restart(each);
    await cluster.untilLive(gateways);
    return cluster;
  }

  async restart(node) {
    const { child, out } = await startProcess(node.args, node.env, node.ready);
    node.child = child;
    return out;
  }

  async kill(node) {
    const exited = once(node.child, 'exit');
    node.child.kill('SIGKILL');
    await exited;
  }

  /** The admin API; status 0: no answer. */
  call(method, path, body) {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' };
    const options = { agent: this.#agent, port: this.#adminPort, host: '127.0.0.1', method, path, headers };
    return new Promise((resolve) => {
      const request = http.request(options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (bytes) => {
          text += bytes;
        });
        response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) }));
        response.on('error', () => resolve({ status: 0 }));
      });
      request.on('error', () => resolve({ status: 0 }));
      request.setTimeout(10_000, () => request.destroy());
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async untilLive(count) {
    for (let tries = 0; tries < 500; tries += 1) {
      const { status, body } = await this.call('GET', '/v1/status');
      if (status === 200 && body.gateways.filter((each) => each.live).length >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('Not all gateways joined.');
  }

  /** @returns credential and id of each */
  async issue(count, from) {
    const keys = [];
    for (let at = 0; at < count; at += 1_000) {
      const ids = Array.from(
        { length: Math.min(1_000, count - at) },
        (_, n) => `b${String(from + at + n).padStart(11, '0')}`,
      );
      const manifest = { keyward: 1, keys: ids.map((id) => ({ id, kind: 'issued', name: id })) };
      const { status, body } = await this.call('POST', '/v1/manifest', manifest);
      if (status !== 200) throw new Error(`Keys could not be issued: ${JSON.stringify(body)}`);
      keys.push(...body.credentials);
    }
    return keys;
  }

  async report() {
    return JSON.parse((await this.judge.send('GET', '/judge/report')).body);
  }

  stop() {
    stopAll();
    for (const { client } of this.nodes) client.close();
    this.#agent.destroy();
    this.judge.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
