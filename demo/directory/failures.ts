type Status = 400 | 401 | 403 | 404 | 409 | 413 | 429 | 503;

/** An answer other than success; its text is what the client may know. */
export class Failure extends Error {
  readonly status: Status;
  readonly headers: Record<string, string>;

  constructor(status: Status, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** One text for missing, wrong, old and foreign keys: the answer does not tell which keys exist. */
export const unauthorized = () => new Failure(401, 'Unauthorized');
/** One text for what is not there and what belongs to another organisation. */
export const notFound = () => new Failure(404, 'Not Found');
export const forbidden = () => new Failure(403, 'Forbidden');
export const badRequest = (message: string) => new Failure(400, message);
