import { readFileSync, writeFileSync } from 'node:fs';
import { WORKLOADS } from './load.mjs';

const REFERENCE = 'node:http + undici dispatch';

export function median(values) {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Medians over the rounds; ratios are medians of the ratios within each round, so that drift cancels out. */
export function summarise(rounds) {
  const summary = {};
  for (const [workload, byContender] of Object.entries(rounds)) {
    summary[workload] = {};
    for (const [name, results] of Object.entries(byContender)) {
      const reference = byContender[REFERENCE];
      const failed = results.some(({ bad, broken, requests }) => bad > 0 || broken > 0 || requests === 0);
      summary[workload][name] = {
        failed,
        perSecond: median(results.map(({ perSecond }) => perSecond)),
        ratio: reference && median(results.map(({ perSecond }, at) => perSecond / reference[at].perSecond)),
        p99: median(results.map(({ p99 }) => p99)),
        p99Ratio: reference && median(results.map(({ p99 }, at) => p99 / reference[at].p99)),
      };
    }
  }
  return summary;
}

export function markdown({ summary, added, machine }) {
  const lines = [`Machine: ${machine}.`, ''];
  for (const [workload, byContender] of Object.entries(summary)) {
    lines.push(
      `**${WORKLOADS[workload].title}**, ${WORKLOADS[workload].connections} connections`,
      '',
      '| contender | req/s | ÷ reference | p99 ms | p99 ÷ reference |',
      '| --- | ---: | ---: | ---: | ---: |',
    );
    const rows = Object.entries(byContender).sort(([, a], [, b]) => b.perSecond - a.perSecond);
    for (const [name, { failed, perSecond, ratio, p99, p99Ratio }] of rows) {
      const cells = failed
        ? ['failed', '', '', '']
        : [perSecond.toFixed(0), ratio?.toFixed(2) ?? '', p99?.toFixed(2) ?? '', p99Ratio?.toFixed(2) ?? ''];
      lines.push(`| ${name === 'keyward' ? '**keyward**' : name} | ${cells.join(' | ')} |`);
    }
    lines.push('');
  }
  if (added !== undefined) {
    lines.push('**Added latency**: one connection, GET, ms above asking the upstream directly', '');
    lines.push('| contender | p50 | p99 |', '| --- | ---: | ---: |');
    for (const [name, { p50, p99 }] of Object.entries(added))
      lines.push(`| ${name} | ${p50.toFixed(3)} | ${p99.toFixed(3)} |`);
    lines.push('');
  }
  return lines.join('\n');
}

/** Puts the text between the marks of a page. */
export function writeBetween(file, mark, text) {
  const page = readFileSync(file, 'utf8');
  const [begin, end] = [`<!-- ${mark} -->`, `<!-- /${mark} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to === -1) throw new Error(`${file} has no place for ${mark}.`);
  writeFileSync(file, `${page.slice(0, from + begin.length)}\n\n${text}\n${page.slice(to)}`);
}
