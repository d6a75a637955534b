import net from 'node:net';

const TIMEOUT_MS = 5_000;
const IDLE_MAX = 64;

/** One kept-alive connection, one request at a time: as little of the measured time as possible is its own. */
class Line {
  #socket;
  #text = '';
  #done;

  constructor(port) {
    this.#socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text) => this.#take(text));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#finish({ status: 0, body: '' }));
  }

  get open() {
    return !this.#socket.destroyed;
  }

  close() {
    this.#socket.destroy();
  }

  /** Status 0: no answer. */
  ask(request) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#socket.destroy(), TIMEOUT_MS);
      this.#done = (answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      if (this.#socket.destroyed) this.#finish({ status: 0, body: '' });
      else this.#socket.write(request);
    });
  }

  #take(text) {
    this.#text += text;
    const end = this.#text.indexOf('\r\n\r\n');
    if (end === -1) return;
    const head = this.#text.slice(0, end);
    const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#text.length < end + 4 + length) return;
    const body = this.#text.slice(end + 4, end + 4 + length);
    this.#text = '';
    if (/connection: close/i.test(head)) this.#socket.destroy();
    this.#finish({ status: Number(head.slice(9, 12)), body });
  }

  #finish(answer) {
    const done = this.#done;
    this.#done = undefined;
    done?.(answer);
  }
}

/** Kept-alive connections to one port. */
export class Client {
  #idle = [];
  #port;

  constructor(port) {
    this.#port = port;
  }

  async send(method, path, headers = {}, body = undefined) {
    const text = body === undefined ? '' : JSON.stringify(body);
    const all = {
      host: 'localhost',
      ...headers,
      ...(text === '' ? {} : { 'content-type': 'application/json' }),
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    const length = text === '' && method === 'GET' ? '' : `content-length: ${Buffer.byteLength(text)}\r\n`;
    let line = this.#idle.pop();
    while (line !== undefined && !line.open) line = this.#idle.pop();
    line ??= new Line(this.#port);
    const answer = await line.ask(`${method} ${path} HTTP/1.1\r\n${lines.join('')}${length}\r\n${text}`);
    if (line.open && this.#idle.length < IDLE_MAX) this.#idle.push(line);
    else line.close();
    return answer;
  }

  close() {
    for (const line of this.#idle.splice(0)) line.close();
  }
}
