import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Answer, investigate, type Question } from './investigate.js';

type Reply = { readonly answer: Answer } | { readonly problem: string };

/** Investigates in a thread of its own: reading a large journal takes seconds, and requests must not wait for it. */
export function investigateAside(question: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./investigator.js', import.meta.url), {
      workerData: { investigate: question },
      execArgv: [],
    });
    worker.once('message', (reply: Reply) => {
      if ('answer' in reply) resolve(reply.answer);
      else reject(new Error(reply.problem));
    });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`The investigation ended early (exit ${code}).`)));
  });
}

/** This file is the thread, too. */
if (!isMainThread && parentPort !== null) {
  const { investigate: question } = (workerData ?? {}) as { investigate?: Question };
  if (question !== undefined) {
    let reply: Reply;
    try {
      reply = { answer: investigate(question) };
    } catch (error) {
      reply = { problem: error instanceof Error ? error.message : String(error) };
    }
    parentPort.postMessage(reply);
  }
}
