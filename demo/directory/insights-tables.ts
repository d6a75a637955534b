import { type Document, isObject, type Json, type JsonObject } from './model.js';

/** All tables that the API names; of most, nobody here has rows. */
const TABLES = new Set(
  `alf alf_exceptions alf_explicit_auths appcompat_shims apps authorized_keys azure_instance_metadata azure_instance_tags battery bitlocker_info browser_plugins certificates chassis_info chrome_extensions connectivity crashes cups_destinations disk_encryption disk_info dns_resolvers etc_hosts firefox_addons groups ie_extensions interface_addresses interface_details kernel_info launchd linux_packages logged_in_users logical_drives managed_policies mounts os_version patches programs python_packages safari_extensions scheduled_tasks secureboot services shadow shared_folders shared_resources sharing_preferences sip_config startup_items system_controls system_info tpm_info uptime usb_devices user_groups user_ssh_keys userassist users wifi_networks wifi_status windows_security_center windows_security_products`.split(
    /\s+/,
  ),
);

export function isTable(name: string): boolean {
  return TABLES.has(name);
}

/** What a device reported; of a simulated one, what its entry in the list of devices says. */
export function rowsOf(system: Document, inventory: Document | undefined, table: string): JsonObject[] {
  const at = inventory === undefined ? (system.lastContact ?? null) : (inventory.at ?? null);
  const rows = inventory === undefined ? simulated(system, table) : reported(inventory, table);
  return rows.map((row) => ({ ...row, collection_time: at }));
}

function reported({ tables }: Document, table: string): JsonObject[] {
  const rows = isObject(tables) && Object.hasOwn(tables, table) ? tables[table] : undefined;
  return Array.isArray(rows) ? rows.filter((row: Json) => isObject(row)) : [];
}

const APPS: Readonly<Record<string, readonly (readonly [name: string, version: string])[]>> = {
  darwin: [
    ['Safari', '16.5'],
    ['Slack', '4.32.127'],
    ['1Password', '8.10.7'],
  ],
  windows: [
    ['Microsoft Edge', '114.0'],
    ['Slack', '4.32.127'],
    ['7-Zip', '22.01'],
  ],
  linux: [
    ['firefox', '114.0'],
    ['openssh-server', '8.9'],
  ],
};

function simulated(system: Document, table: string): JsonObject[] {
  const { hostname = '', os = '', osFamily = '', version = '', arch = '', serialNumber = '' } = system;
  const apps = APPS[String(osFamily)] ?? [];
  const [major = 0, minor = 0] = String(version).split('.').map(Number);
  switch (table) {
    case 'system_info':
      return [
        {
          ...{ computer_name: hostname, hostname, local_hostname: hostname, cpu_type: arch },
          ...{ hardware_serial: serialNumber, physical_memory: '17179869184', cpu_logical_cores: 8 },
        },
      ];
    case 'os_version':
      return [{ name: os, version, platform: osFamily, major, minor, patch: 0, build: '' }];
    case 'disk_encryption': {
      const on = isObject(system.fde) && system.fde.active === true;
      return [
        { name: 'disk0', encrypted: on ? 1 : 0, encryption_status: on ? 'encrypted' : 'not encrypted' },
      ];
    }
    case 'interface_addresses':
      return [{ interface: 'en0', address: system.remoteIP ?? '', mask: '255.255.255.0' }];
    case 'users':
      return [
        { username: 'root', uid: '0', gid: '0', directory: '/root', real_user: false },
        { username: 'owner', uid: '501', gid: '20', directory: '/home/owner', real_user: true },
      ];
    case 'user_ssh_keys':
      return [{ uid: '501', path: '/home/owner/.ssh/id_ed25519', encrypted: 1 }];
    case 'apps':
      return osFamily === 'windows' ? [] : apps.map(([name, bundle_version]) => ({ name, bundle_version }));
    case 'programs':
      return osFamily === 'windows' ? apps.map(([name, version]) => ({ name, version })) : [];
    case 'uptime':
      return [{ total_seconds: '86400' }];
    default:
      return [];
  }
}
