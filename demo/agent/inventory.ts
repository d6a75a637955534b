import { readdir, readFile, stat, statfs } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Inventory } from '../agent-protocol.js';
import { ROWS_MAX } from '../agent-protocol.js';
import type { Sandbox } from './sandbox.js';

export const AGENT_VERSION = '2.0.0';

/** Facts of this machine, in the tables of System Insights; programs and SSH keys are those of the sandbox. */
export async function takeInventory(
  hostname: string,
  bootedAt: number,
  sandbox: Sandbox,
): Promise<Inventory> {
  const release = await osRelease();
  const version = release.VERSION_ID ?? os.release();
  const account = os.userInfo();
  const disk = await statfs(sandbox.folder);
  const uptime = Math.floor((Date.now() - bootedAt) / 1_000);
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const cpus = os.cpus();
  return {
    ...{ hostname, os: release.NAME ?? os.type(), osFamily: os.platform(), version, arch: os.arch() },
    ...{ agentVersion: AGENT_VERSION, serialNumber: '' },
    tables: {
      system_info: [
        {
          ...{ computer_name: hostname, hostname, local_hostname: hostname, cpu_type: os.arch() },
          ...{ cpu_brand: cpus[0]?.model ?? '', cpu_logical_cores: cpus.length },
          physical_memory: String(os.totalmem()),
        },
      ],
      os_version: [
        {
          ...{ name: release.NAME ?? os.type(), version, major, minor, patch, build: os.release() },
          ...{ platform: release.ID ?? os.platform(), platform_like: release.ID_LIKE ?? os.platform() },
          ...{ codename: release.VERSION_CODENAME ?? '', install_date: '' },
        },
      ],
      users: [
        {
          ...{ username: account.username, uid: String(account.uid), gid: String(account.gid) },
          ...{ directory: account.homedir, shell: account.shell ?? '', real_user: true },
        },
      ],
      interface_addresses: Object.entries(os.networkInterfaces()).flatMap(([name, addresses = []]) =>
        addresses.map(({ address, netmask }) => ({ interface: name, address, mask: netmask })),
      ),
      mounts: [
        {
          ...{ path: sandbox.folder, blocks: disk.blocks, blocks_size: disk.bsize },
          blocks_available: disk.bavail,
        },
      ],
      uptime: [
        { total_seconds: String(uptime), seconds: uptime % 60, minutes: Math.floor(uptime / 60) % 60 },
      ],
      kernel_info: [{ version: os.release() }],
      // The agent is not allowed to ask the disks, and says so.
      disk_encryption: [{ name: sandbox.folder, encrypted: 0, encryption_status: 'undefined' }],
      programs: [
        { name: 'node', version: process.versions.node, publisher: '' },
        ...(await appsOf(sandbox)).map(({ name, bundle_version }) => ({ name, version: bundle_version })),
      ],
      apps: await appsOf(sandbox),
      user_ssh_keys: await sshKeysOf(sandbox, String(account.uid)),
    },
  };
}

/** What lies under `apps/`: `editor-1.2` is version 1.2 of `editor`. */
async function appsOf(sandbox: Sandbox) {
  const names = await readdir(path.join(sandbox.folder, 'apps')).catch(() => []);
  return names.slice(0, ROWS_MAX - 1).map((name) => {
    const [, title = name, version = ''] = /^(.{1,200}?)-(\d[\w.]{0,40})$/.exec(name) ?? [];
    return { name: title, display_name: title, bundle_version: version, path: `apps/${name}` };
  });
}

async function sshKeysOf(sandbox: Sandbox, uid: string) {
  const names = await readdir(path.join(sandbox.folder, '.ssh')).catch(() => []);
  const keys = names.filter((name) => name.startsWith('id_') && !name.endsWith('.pub')).slice(0, ROWS_MAX);
  const rows = [];
  for (const name of keys) {
    const file = path.join(sandbox.folder, '.ssh', name);
    if ((await stat(file)).size > 64 * 1024) continue;
    rows.push({
      uid,
      path: `.ssh/${name}`,
      encrypted: (await readFile(file, 'utf8')).includes('ENCRYPTED') ? 1 : 0,
    });
  }
  return rows;
}

/** `/etc/os-release` (os-release(5)); empty where there is none. */
async function osRelease(): Promise<Record<string, string | undefined>> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return Object.fromEntries(
    [...text.matchAll(/^([A-Z_]+)="?([^"\n]*)"?$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}
