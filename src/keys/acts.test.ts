import { expect, it } from 'vitest';
import { Acts } from './acts.js';

it('acts on one thing come one after the other, whatever became of those before; others wait for none of them', async () => {
  const acts = new Acts({} as never, () => 0);
  const done: string[] = [];
  let answer: (text: string) => void = () => undefined;
  const silent = new Promise<string>((resolve) => {
    answer = resolve;
  });
  const asked = acts.run(async () => void done.push(await silent), 'hold h_1');
  const failed = acts.run(async () => {
    done.push('second on h_1');
    throw new Error('refused');
  }, 'hold h_1');
  const third = acts.run(async () => void done.push('third on h_1'), 'hold h_1');
  await acts.run(async () => void done.push('on h_2'), 'hold h_2');
  await acts.run(async () => void done.push('on a key'));
  expect(done).toEqual(['on h_2', 'on a key']);
  answer('first on h_1');
  await expect(failed).rejects.toThrow('refused');
  await Promise.all([asked, third]);
  expect(done.slice(2)).toEqual(['first on h_1', 'second on h_1', 'third on h_1']);
});
