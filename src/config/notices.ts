import { z } from 'zod';
import { milliseconds, port, secretSource, serverTls } from './fields.js';

const mailbox = z
  .string()
  .max(320)
  .regex(/^(?:[^<>@\r\n]+ <)?[^\s<>@]+@[^\s<>@]+>?$/, 'must be an address like security@example.com');

const smtp = z.strictObject({
  host: z.string().min(1).describe('Mail server.'),
  port: port.default(587).describe('Its port.'),
  security: z
    .enum(['starttls', 'tls', 'none'])
    .default('starttls')
    .describe(
      'starttls: upgraded or not sent; tls: from the first byte (port 465); none: for a relay on this machine.',
    ),
  user: z.string().min(1).optional().describe('User name, where the server asks for one.'),
  password: secretSource.optional().describe('Where its password comes from.'),
  ca: z.string().optional().describe('PEM file with the CA to trust instead of the system ones.'),
});

const ssfStream = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
    .describe('Name of the stream.'),
  delivery: z
    .enum(['push', 'poll'])
    .describe('push: RFC 8935, to url. poll: RFC 8936, at /ssf/streams/NAME/poll.'),
  audience: z.string().min(1).max(512).describe('The aud of its tokens.'),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where tokens are pushed.'),
  token: secretSource
    .optional()
    .describe(
      'Bearer token: sent with each push, or expected of who polls. At least 32 characters for poll.',
    ),
  tenants: z
    .array(z.string())
    .min(1)
    .max(10_000)
    .optional()
    .describe('Only events of these; all when absent.'),
});

const reset = z.strictObject({
  host: z.string().default('127.0.0.1').describe('Address of the public listener for replacement keys.'),
  port: port.describe('Its port; 0 takes a free one.'),
  tls: serverTls.optional().describe('Needed where the address is not loopback.'),
  address: z
    .string()
    .regex(
      /^[a-z0-9.-]+(?::\d{1,5})?(?:\/[a-z0-9._/-]*)?$/i,
      'must be a host name without https://, like reset.example.com',
    )
    .describe('What the notice tells people to type into their browser.'),
  hours: z.number().int().min(1).max(2_160).default(168).describe('How long a code can be used.'),
  triesPerMinute: z.number().int().min(1).max(1_000).default(10).describe('Codes tried from one address.'),
});

/** How tenants hear of incidents, and receivers of changes to keys. */
export const notices = z
  .strictObject({
    from: mailbox.optional().describe('Sender of the e-mails; also named in the signed file.'),
    approval: z
      .enum(['required', 'none'])
      .default('required')
      .describe('required: an operator approves each notice; none: it goes out as soon as it is drafted.'),
    templates: z
      .string()
      .optional()
      .describe('Folder with touched.txt and precaution.txt in place of the built-in texts.'),
    smtp: smtp.optional(),
    webhooks: z
      .strictObject({
        allowNetworks: z
          .array(z.string())
          .max(1_000)
          .default([])
          .describe('Networks inside that webhooks and pushes may reach; only there without TLS.'),
        ca: z.string().optional().describe('PEM file with a CA to trust besides the built-in ones.'),
      })
      .prefault({}),
    retries: z
      .strictObject({
        firstMs: milliseconds.default(5_000).describe('Wait after the first failure; it doubles each time.'),
        maxMs: milliseconds.default(21_600_000).describe('Longest wait.'),
        attemptsMax: z.number().int().min(1).max(1_000).default(20).describe('Then a delivery has failed.'),
        attemptMs: milliseconds.default(15_000).describe('Longest time for one attempt.'),
      })
      .prefault({}),
    ssf: z
      .strictObject({
        issuer: z
          .url({ protocol: /^https?$/ })
          .describe('Where receivers reach this API, without a path; the iss of the tokens.'),
        streams: z.array(ssfStream).max(100).default([]).describe('Receivers of security event tokens.'),
      })
      .optional(),
    reset: reset.optional(),
  })
  .prefault({});
