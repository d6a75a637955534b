import { Clock, READY } from './baseline.js';
import { clientTerm } from './client.js';
import { AT, SOURCE_FEATURES } from './contract.js';
import type { Scene } from './likelihood.js';
import { networkTerm } from './network.js';

/** Where the call comes from and with what, and whether that is another than the owner's last. */
export function sourceTerms(scene: Scene, into: number[]): void {
  const { symbols, baseline } = scene;
  const { clock, numbers } = baseline;
  // Hour by hour, since the others' counts move meanwhile.
  if (clock[Clock.readySource] === symbols.source && clock[Clock.hourIndex] === symbols.hourIndex) {
    for (let i = 0; i < SOURCE_FEATURES.length; i++)
      into[SOURCE_FEATURES[i] as number] = numbers[READY.start + i] as number;
  } else {
    networkTerm(scene, into);
    clientTerm(scene, into);
    for (let i = 0; i < SOURCE_FEATURES.length; i++)
      numbers[READY.start + i] = into[SOURCE_FEATURES[i] as number] as number;
    clock[Clock.readySource] = symbols.source;
  }
  if (symbols.prefix !== 0) into[AT.networkChange] = changed(clock[Clock.previousPrefix], symbols.prefix);
  if (symbols.client !== 0) into[AT.clientChange] = changed(clock[Clock.previousClient], symbols.client);
}

function changed(before: number | undefined, now: number): number {
  return before !== 0 && before !== now ? 1 : 0;
}
