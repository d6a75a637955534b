import { z } from 'zod';

const measure = z.enum(['none', 'freeze', 'suspend', 'revoke']);

/** Where reports of leaked keys come in. */
export const leaks = z
  .strictObject({
    listener: z
      .strictObject({
        host: z.string().default('127.0.0.1').describe('Address to listen on.'),
        port: z.number().int().min(0).max(65_535).describe('TCP port; 0 takes a free one.'),
        tls: z
          .strictObject({
            cert: z.string().describe('PEM file with the certificate chain.'),
            key: z.string().describe('PEM file with the private key.'),
          })
          .optional()
          .describe('Serve TLS.'),
      })
      .optional()
      .describe('Public listener for reports, apart from the admin API; absent: none.'),
    partners: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(64),
          keysFile: z
            .string()
            .describe(
              'JSON file with the keys that the partner signs with, as GitHub publishes them at /meta/public_keys/secret_scanning.',
            ),
        }),
      )
      .max(32)
      .default([])
      .describe('Scanners whose signed reports are believed.'),
    partnerMeasure: measure
      .default('freeze')
      .describe('What is done at once with a live key that a partner reports.'),
    publicMeasure: measure
      .default('revoke')
      .describe('What is done at once with a live key that anybody hands in.'),
    reportsPerMinute: z
      .number()
      .int()
      .min(1)
      .max(100_000)
      .default(30)
      .describe('Reports from one address in a minute.'),
  })
  .prefault({});
