import { isMainThread } from 'node:worker_threads';

// Imported before the options of a program are read: what it does not know is said in words, not with a stack trace.
if (isMainThread)
  process.on('uncaughtException', (error) => {
    const isUsage = String(error?.code).startsWith('ERR_PARSE_ARGS');
    console.error(isUsage ? error.message : error);
    process.exit(isUsage ? 2 : 1);
  });
