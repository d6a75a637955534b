import { createHmac, randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Sink {
  readonly server: http.Server;
  readonly port: number;
  readonly secret: string;
  readonly counts: { good: number; bad: number };
}

/** The tenants' end of the webhooks: counts what comes, by its signature (Standard Webhooks). */
export async function openSink(): Promise<Sink> {
  const key = randomBytes(32);
  const counts = { good: 0, bad: 0 };
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = request.headers;
      const signed = createHmac('sha256', key)
        .update(`${id}.${at}.${Buffer.concat(chunks)}`)
        .digest('base64');
      if (String(signature).split(' ').includes(`v1,${signed}`)) counts.good += 1;
      else counts.bad += 1;
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, port, secret: `whsec_${key.toString('base64')}`, counts };
}
