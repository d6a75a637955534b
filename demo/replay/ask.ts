import { Agent, request } from 'undici';

export interface Answer {
  readonly status: number;
  /** Parsed where it is JSON; else the text. */
  readonly body: unknown;
}

const CONNECTIONS = 16;
const dispatcher = new Agent({ connections: CONNECTIONS, keepAliveTimeout: 60_000 });

/** One request. A connection that was closed just as it was used is tried once more. */
export async function ask(
  base: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<Answer> {
  const options = {
    method: method as 'GET',
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    dispatcher,
  };
  const once = async (): Promise<Answer> => {
    const response = await request(base + path, options);
    const text = await response.body.text();
    return { status: response.statusCode, body: parsed(text) };
  };
  try {
    return await once();
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== 'UND_ERR_SOCKET' && code !== 'ECONNRESET') throw error;
    return once();
  }
}

export function closeConnections(): Promise<void> {
  return dispatcher.destroy();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
