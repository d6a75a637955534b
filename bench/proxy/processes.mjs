import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** Child processes of one run; all are stopped by pid, whatever happens. */
const children = new Set();
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    stopAll();
    process.exit(130);
  });
process.once('exit', stopAll);

export function stopAll() {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
}

function track(child) {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Debian packages that a run needs; installs what is missing where it may. */
export function needPrograms(names) {
  const missing = names.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || spawnSync('sh', ['-c', 'command -v apt-get']).status !== 0)
    throw new Error(`Install ${missing.join(', ')} first.`);
  // A policy that forbids it keeps the packages from starting services of their own.
  const policy = '/usr/sbin/policy-rc.d';
  const own = !existsSync(policy);
  if (own) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' });
    const { status } = spawnSync('apt-get', ['install', '-y', '-qq', ...missing], {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    if (status !== 0) throw new Error(`apt-get could not install ${missing.join(', ')}.`);
  } finally {
    if (own) spawnSync('rm', [policy]);
  }
}

/** Starts a Node script that prints its facts as one JSON line. */
export async function startNode(script, args, env = {}) {
  const child = track(
    spawn(process.execPath, [script, ...args.map(String)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    }),
  );
  for await (const line of createInterface({ input: child.stdout })) return { child, ...JSON.parse(line) };
  throw new Error(`${script} did not start.`);
}

async function untilOpen(port) {
  for (let i = 0; i < 200; i += 1) {
    const socket = net.connect(port, '127.0.0.1');
    const open = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Nothing listens on ${port}.`);
}

const NGINX_HEAD = (
  dir,
) => `${process.getuid?.() === 0 ? 'user root; ' : ''}daemon off; master_process off; pid ${dir}/pid; error_log /dev/null;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000000; client_max_body_size 64m;
  client_body_temp_path ${dir}/a; proxy_temp_path ${dir}/b; fastcgi_temp_path ${dir}/c; uwsgi_temp_path ${dir}/d; scgi_temp_path ${dir}/e;`;

async function startNginx(dir, http, port) {
  mkdirSync(dir, { recursive: true });
  const file = path.join(dir, 'nginx.conf');
  writeFileSync(file, `${NGINX_HEAD(dir)}\n${http}\n}\n`);
  const child = track(
    spawn('nginx', ['-p', dir, '-e', 'stderr', '-c', file], { stdio: ['ignore', 'ignore', 'ignore'] }),
  );
  await untilOpen(port);
  return { child, port };
}

/** The server behind all contenders: nginx, so that it is never what is measured. */
export function startUpstream(dir, port, files) {
  return startNginx(
    dir,
    `default_type application/json;
  upstream self { server 127.0.0.1:${port}; keepalive 256; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${port} backlog=1024; root ${files};
    location = /small { return 200 '{"id":"5f1a","name":"Ada","active":true}'; }
    # Answers when the whole body has been read: only a proxied location waits for it.
    location = /upload { client_body_buffer_size 64k; proxy_pass http://self/taken; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass_request_body off; proxy_set_header Content-Length ""; }
    location = /taken { return 200 '{"taken":true}'; }
  }`,
    port,
  );
}

export function startNginxProxy(dir, port, upstreamPort) {
  return startNginx(
    dir,
    `upstream up { server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${port} backlog=1024;
    location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_request_buffering off; }
  }`,
    port,
  );
}

export async function startHaproxy(dir, port, upstreamPort) {
  mkdirSync(dir, { recursive: true });
  const file = path.join(dir, 'haproxy.cfg');
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 2048
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  http-reuse always
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  server s 127.0.0.1:${upstreamPort}
`,
  );
  const child = track(spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' }));
  await untilOpen(port);
  return { child, port };
}
