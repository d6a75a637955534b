import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import { openGeo } from '../src/locations/geo.js';
import { CATALOGS_TRIED, drawnWorldSet, worldSet } from './sets.js';
import { playWorld, type WorldJob } from './worlds.js';

/** Plays one world after the other, as `inThreads` asks for them. */
const geo = await openGeo({ asnFile: path.resolve('dist/asn.bin') });
parentPort?.on('message', ({ seed, drawn }: WorldJob) => {
  console.error(`world ${seed}${drawn ? ', drawn' : ''}`);
  const world = drawn ? drawnWorldSet(seed, CATALOGS_TRIED, geo) : worldSet(seed, geo);
  parentPort?.postMessage(playWorld(world, { ablation: !drawn }));
});
