import '../../scripts/plain-usage.mjs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../../scripts/build.mjs';
import { Cluster } from './cluster.mjs';
import { Torture } from './torture.mjs';

/**
 * Revokes keys while every gateway is under load with them, through stops, kills, restarts and wrong clocks, and asks
 * at every gateway with each key as soon as its revocation is acknowledged. The upstream judges: it must see none of it.
 */
const { values } = parseArgs({
  options: {
    revocations: { type: 'string', default: '10000' },
    gateways: { type: 'string', default: '3' },
    /** Of the revocations, those in fault rounds. */
    faulty: { type: 'string', default: '0.3' },
    faults: { type: 'string', default: '24' },
    lanes: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
  },
});
const total = Number(values.revocations);
const gateways = Number(values.gateways);
const faults = Number(values.faults);
const lanes = Number(values.lanes);
const say = values.json ? () => undefined : console.log;

ensureBuilt();
say(
  `${total} revocations, a control process and ${gateways} gateways, Node ${process.version}, ${os.cpus().length} CPUs`,
);
const startedMs = performance.now();
const cluster = await Cluster.start({ gateways });
let result;
try {
  const [live, ...keys] = await cluster.issue(total + 1, 0);
  await warmUp(keys[0]);
  const torture = new Torture(cluster, live.credential);
  const background = torture.background();
  const some = Math.round(total * (1 - Number(values.faulty)));
  say(`calm: ${some}, one key each, ${lanes} at a time`);
  await torture.run(keys.slice(0, some), { lanes, batch: () => 1, latencies: torture.calm });
  await torture.settle();
  say(`with ${faults} faults: ${total - some}, one to eight keys each`);
  await faultRounds(torture, keys.slice(some));
  torture.stop();
  await background;
  await torture.settle();
  result = await resultOf(torture);
} finally {
  cluster.stop();
}
if (values.json) console.log(JSON.stringify(result));
else print(result);
process.exitCode = result.acceptedAfterAcknowledgement === 0 && result.revocations === total ? 0 : 1;

/** Code that has run once is compiled, and pools have connections: what is measured is the guard at work. */
async function warmUp({ credential }) {
  for (let n = 0; n < 300; n += 1)
    await Promise.all(
      cluster.nodes.map(({ client }) => client.send('GET', '/warm', { 'x-api-key': credential })),
    );
}

async function faultRounds(torture, keys) {
  for (let n = 0; n < faults; n += 1) {
    const share = keys.slice(
      Math.round((keys.length * n) / faults),
      Math.round((keys.length * (n + 1)) / faults),
    );
    await Promise.all([
      torture.fault(n),
      torture.run(share, {
        lanes: 8,
        batch: () => 1 + Math.floor(Math.random() * 8),
        latencies: torture.faulty,
      }),
    ]);
    await torture.settle();
    await cluster.untilLive(gateways);
  }
}

async function resultOf(torture) {
  const { accepted, late } = await cluster.report();
  const answered2xx = Object.entries(torture.answers).filter(([status]) => /^2/.test(status));
  return {
    revocations: torture.revoked,
    gateways,
    acceptedAfterAcknowledgement: late.length,
    late: late.slice(0, 20),
    probes: torture.probes,
    probesAnswered: torture.answers,
    probesAccepted: answered2xx.reduce((sum, [, count]) => sum + count, 0),
    acceptedAtUpstream: accepted,
    liveKeyRefused: torture.refusedLive,
    receipts: torture.receipts,
    faults: torture.faults,
    calmMs: percentiles(torture.calm),
    faultMs: percentiles(torture.faulty),
    seconds: Math.round((performance.now() - startedMs) / 1000),
  };
}

function percentiles(ms) {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (part) =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1));
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

function print(all) {
  const row = (name, { count, p50, p95, p99, max }) =>
    `| ${name.padEnd(12)} | ${[count, p50, p95, p99, max].map((each) => String(each).padStart(7)).join(' | ')} |`;
  console.log(`
accepted after the acknowledgement: ${all.acceptedAfterAcknowledgement} of ${all.revocations} revocations
probes with dead keys: ${all.probes}, answers by status ${JSON.stringify(all.probesAnswered)} (0: none)
accepted by the upstream before: ${all.acceptedAtUpstream}; live key refused ${all.liveKeyRefused} times (stopped or killed gateways)
receipts: ${JSON.stringify(all.receipts)}; faults: ${JSON.stringify(all.faults)}; ${all.seconds} s

| ms           |   count |     p50 |     p95 |     p99 |     max |
| ------------ | ------: | ------: | ------: | ------: | ------: |
${row('calm', all.calmMs)}
${row('with faults', all.faultMs)}`);
  for (const each of all.late) console.log('LATE', JSON.stringify(each));
}
