import { z } from 'zod';

/** Kinds of fields that several sections of the configuration share. */
export const milliseconds = z.number().int().min(1).max(86_400_000);
export const port = z.number().int().min(0).max(65_535);

export const secretSource = z
  .union([
    z.strictObject({ file: z.string().min(1) }),
    z.strictObject({ env: z.string().min(1) }),
    z.strictObject({ command: z.array(z.string()).min(1) }),
  ])
  .describe(
    'Where the secret comes from: a file (created on first run), an environment variable, or a command that prints it (KMS hook).',
  );

export const serverTls = z.strictObject({
  cert: z.string().describe('PEM file with the certificate chain.'),
  key: z.string().describe('PEM file with the private key.'),
});
