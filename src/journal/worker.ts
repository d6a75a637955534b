import { parentPort, workerData } from 'node:worker_threads';
import type { SinkOptions } from './segment-sink.js';
import { type SinkRequest, serveSink } from './sink-port.js';

const port = parentPort;
if (port === null) throw new Error('The journal worker runs only as a worker thread.');
const serve = serveSink(workerData as SinkOptions, (reply) => port.postMessage(reply));
port.on('message', (request: SinkRequest) => {
  serve(request);
  if (request.kind === 'close') port.close();
});
