import { createHash, randomBytes } from 'node:crypto';

const ID = /^[0-9a-f]{24}$/;

export function isId(text: string): boolean {
  return ID.test(text);
}

/** Source of ids and time, so that seeded data are the same in every run. */
export interface Ports {
  now(): number;
  newId(): string;
}

export function isoTime(ports: Ports): string {
  return new Date(ports.now()).toISOString();
}

/** Like an ObjectId: seconds first, so that ids sort by age. */
export function systemPorts(): Ports {
  let count = randomBytes(3).readUIntBE(0, 3);
  const machine = randomBytes(5).toString('hex');
  return {
    now: Date.now,
    newId: () => {
      count = (count + 1) & 0xffffff;
      const seconds = Math.floor(Date.now() / 1000);
      return seconds.toString(16).padStart(8, '0') + machine + count.toString(16).padStart(6, '0');
    },
  };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** 160 random bits: nobody finds one by trying, so a fast hash is enough to keep it. */
export function newSecret(): string {
  return randomBytes(20).toString('hex');
}
