import { parentPort, workerData } from 'node:worker_threads';
import { sendFeed } from '../edges/scan/feed/port.js';
import type { FeedSettings } from './scan-feed.js';
import { openFeedHere } from './scan-reader.js';

const port = parentPort;
if (port === null) throw new Error('The scan worker runs only as a worker thread.');
await sendFeed(port, () => openFeedHere(workerData as FeedSettings));
