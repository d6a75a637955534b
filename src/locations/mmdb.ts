import { open } from 'maxmind';
import type { Network } from './asn-table.js';

/** A MaxMind DB file; records are read as unknown, because each publisher has its own shape. */
export interface Mmdb {
  get(address: string): unknown;
}

export async function openMmdb(file: string): Promise<Mmdb> {
  try {
    return await open(file);
  } catch (error) {
    throw new Error(
      `${file}: cannot be read as a MaxMind DB: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** MaxMind's `{country: {iso_code}}` (else the registered country), or ip-location-db's `{country_code}`. */
export function countryOf(record: unknown): string | undefined {
  const code =
    text(field(field(record, 'country'), 'iso_code')) ??
    text(field(record, 'country_code')) ??
    text(field(field(record, 'registered_country'), 'iso_code'));
  return code !== undefined && /^[A-Za-z]{2}$/.test(code) ? code.toUpperCase() : undefined;
}

/** `{autonomous_system_number, autonomous_system_organization}`: both publishers write it so. */
export function networkOf(record: unknown): Network | undefined {
  const asn = field(record, 'autonomous_system_number');
  if (typeof asn !== 'number' || asn < 1) return undefined;
  return { asn, network: text(field(record, 'autonomous_system_organization')) ?? '' };
}

function field(record: unknown, name: string): unknown {
  return typeof record === 'object' && record !== null ? Reflect.get(record, name) : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
