import { type BodyFields, bodyFieldsOf } from '../catalogs/body-fields.js';
import { valuesOf } from '../wire/credentials.js';
import type { RawHeaders, RequestHead } from '../wire/http-head.js';

/** Field names of a request's body, and of its query: many servers read both as one. */
export function requestFields(
  { headers }: Pick<RequestHead, 'headers'>,
  query: string,
  body: Uint8Array,
): BodyFields {
  const inBody = bodyFieldsOf(body, {
    contentType: combined(headers, 'content-type'),
    contentEncoding: combined(headers, 'content-encoding'),
  });
  if (query.length <= 1) return inBody;
  const inQuery = bodyFieldsOf(Buffer.from(query.slice(1), 'latin1'), { contentType: FORM });
  const names = new Set([...inBody.names, ...inQuery.names]);
  if (inBody.kind === 'unknown') return { ...inBody, names };
  return { ...inQuery, names };
}

const FORM = 'application/x-www-form-urlencoded';

/** Lines of one name as one value (RFC 9110 section 5.2): two servers may take different ones, so none is dropped. */
function combined(headers: RawHeaders, name: string): string | undefined {
  const values = valuesOf(headers, name);
  return values.length === 0 ? undefined : values.join(', ');
}
