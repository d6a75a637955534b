import { z } from 'zod';

/** What may be done about a stolen key without a person. */
export const containment = z
  .strictObject({
    automatic: z
      .enum(['off', 'freeze', 'suspend'])
      .default('off')
      .describe(
        'What is done by itself with a key that the evidence is strong against: freeze leaves it what it has always done, suspend nothing. An operator can undo it.',
      ),
    evidenceFrom: z
      .number()
      .min(4)
      .max(100)
      .default(11)
      .describe('Nats of evidence against a key from which it is contained by itself.'),
    keysPerHourMax: z
      .number()
      .int()
      .min(1)
      .max(100_000)
      .default(5)
      .describe('Keys that may be contained by themselves within an hour; beyond, a person has to.'),
  })
  .prefault({});
