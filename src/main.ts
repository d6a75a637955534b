import { report } from './cli/errors.js';
import { EXIT, runCli } from './cli/program.js';

// Whoever reads may stop reading (`| head`): that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  report(new Error(`The output cannot be written (${error.code ?? error.message}).`));
  process.exit(EXIT.failed);
});
process.exitCode = await runCli(process.argv);
