import type { JudgedRow } from './analysis.js';

/**
 * One line of `--scores`, without its line break: a stable contract.
 * `{"line":12,"file":"a.json","time":"…","key":"…","operation":"…","score":7.31,"evidence":11.2,"decision":"hold","reasons":[{"term":"network","nats":4.1,"text":"…"}]}`
 */
export function scoreLine(judged: JudgedRow): string {
  const { actor, observation } = judged.sighting;
  const { line, file } = judged;
  let reasons = '';
  for (const { term, nats, text } of judged.reasons) {
    const separator = reasons === '' ? '' : ',';
    reasons += `${separator}{"term":"${term}","nats":${rounded(nats)},"text":${JSON.stringify(text)}}`;
  }
  return `{"line":${line},"file":${JSON.stringify(file)},"time":"${new Date(observation.timeMs).toISOString()}","key":${JSON.stringify(actor.key)},"operation":${JSON.stringify(observation.operation.name)},"score":${rounded(judged.score)},"evidence":${rounded(judged.evidence)},"decision":"${judged.decision}","reasons":[${reasons}]}`;
}

function rounded(nats: number): number {
  return Math.round(nats * 10_000) / 10_000;
}
