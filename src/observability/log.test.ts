import { expect, it } from 'vitest';
import { mintKey, newKeyId } from '../keys/format.js';
import { openLog } from './log.js';

function lines(write: (log: ReturnType<typeof openLog>) => void): Record<string, unknown>[] {
  const written: string[] = [];
  write(openLog('info', (line) => written.push(line)));
  return written.map((line) => JSON.parse(line) as Record<string, unknown>);
}

it('an event is one line of JSON with time, level, facts and a sentence', () => {
  const [line] = lines((log) => log.warn({ upstream: 'api' }, 'the upstream cannot be reached'));
  expect(line).toMatchObject({ level: 'warn', upstream: 'api', msg: 'the upstream cannot be reached' });
  expect(Date.parse(String(line?.time))).toBeGreaterThan(0);
});

it('says nothing below its level, which can change', () => {
  expect(lines((log) => log.debug({}, 'x'))).toEqual([]);
  const written = lines((log) => {
    log.level = 'debug';
    log.debug({}, 'now');
  });
  expect(written).toHaveLength(1);
});

it('never shows a secret: not in a field that is named for one, not as a key in any text', () => {
  const key = mintKey('live', newKeyId());
  const text = JSON.stringify(
    lines((log) => {
      log.info({ authorization: 'Bearer s3cret', request: { cookie: 's3cret', 'x-api-key': 's3cret' } }, 'a');
      log.info({ token: 's3cret', nested: { password: 's3cret', secret: 's3cret' } }, 'b');
      log.error({ error: `refused ${key}` }, `somebody sent ${key} and ${key}`);
    }),
  );
  expect(text).not.toContain('s3cret');
  expect(text).not.toContain(key.slice(-20));
  expect(text).toContain(`kw_live_${key.split('_')[2]}_[redacted]`);
});
