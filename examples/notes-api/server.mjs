// A small real HTTP API to put behind the guard: notes in memory, JSON in and out, no checks of its own.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const BODY_BYTES_MAX = 64 * 1024;
const NOTES_MAX = 1_000;
const notes = new Map();

function send(response, status, value) {
  const body = value === undefined ? '' : `${JSON.stringify(value)}\n`;
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

async function readJson(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > BODY_BYTES_MAX) return undefined;
  }
  try {
    const value = JSON.parse(text);
    return typeof value?.text === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

async function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://localhost');
  const id = /^\/notes\/([^/]+)$/.exec(pathname)?.[1];
  if (pathname === '/health') return send(response, 200, { ok: true });
  if (pathname === '/notes' && request.method === 'GET') return send(response, 200, [...notes.values()]);
  if (pathname === '/notes' && request.method === 'POST') {
    const input = await readJson(request);
    if (input === undefined) return send(response, 400, { message: 'Send {"text": "…"}.' });
    if (notes.size >= NOTES_MAX) notes.delete(notes.keys().next().value);
    const note = { id: randomUUID(), text: input.text };
    notes.set(note.id, note);
    return send(response, 201, note);
  }
  if (id !== undefined && request.method === 'GET' && notes.has(id))
    return send(response, 200, notes.get(id));
  if (id !== undefined && request.method === 'DELETE' && notes.delete(id)) return send(response, 204);
  return send(response, 404, { message: 'Not Found' });
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(JSON.stringify({ port: server.address().port }));
});
// The parent holds the other end of standard input: when it is gone, so is the need for this process.
process.stdin.on('end', () => process.exit(0)).resume();
