import { EXIT, runCli } from './cli/program.js';

// Whoever reads may stop reading (`| head`): that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed);
});
process.exitCode = await runCli(process.argv);
