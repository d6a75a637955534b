import { z } from 'zod';

export const gateways = z
  .strictObject({
    leaseMs: z
      .number()
      .int()
      .min(250)
      .max(60_000)
      .default(1_000)
      .describe(
        'How long a gateway may accept requests without hearing from the control process; a revocation waits at most so long for one that is gone.',
      ),
    renewMs: z.number().int().min(20).max(10_000).default(200).describe('How often it renews its lease.'),
    withoutLease: z
      .enum(['stop', 'continue'])
      .default('stop')
      .describe(
        'A gateway whose lease has run out: stop answers 503; continue goes on by what it knows, says so in log, metrics and readiness, and makes no receipt exact.',
      ),
    inFlight: z
      .enum(['finish', 'abort'])
      .default('finish')
      .describe(
        'Exchanges in progress of a key that is revoked, suspended or rotated without overlap: let them end, or cut them.',
      ),
    socket: z
      .string()
      .optional()
      .describe('Unix socket of the control process. Default: cluster/control.sock in the data directory.'),
  })
  .prefault({})
  .describe('Further processes on this machine, started with `keyward gateway`.');
