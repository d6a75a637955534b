import { z } from 'zod';

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be HH:MM');
const timeZone = z.string().refine((name) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}, 'is not an IANA time zone');
/** When a key may be used, or the guard only observes. */
export const timeWindow = z.strictObject({
  days: z
    .array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']))
    .min(1, 'names no day: leave it out for every day')
    .optional()
    .describe('Days on which it begins; every day if not given.'),
  from: clockTime,
  to: clockTime.describe('Before `from`, it spans midnight; the same as `from`, it is the whole day.'),
  timeZone: timeZone.optional().describe('IANA name, such as Europe/Berlin; UTC if not given.'),
});
