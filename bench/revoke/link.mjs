import net from 'node:net';

/** What one process sent to the other, on its way. */
class Direction {
  #from;
  #to;
  #held = [];

  constructor(from, to, isCut) {
    this.#from = from;
    this.#to = to;
    from.on('data', (bytes) => {
      if (isCut()) this.#held.push(bytes);
      else to.write(bytes);
    });
    from.on('error', () => from.destroy());
    from.on('close', () => to.destroy());
  }

  release() {
    for (const bytes of this.#held.splice(0)) this.#to.write(bytes);
  }

  drop() {
    this.#from.destroy();
  }
}

/** Stands between a gateway and the control process: can hold back everything, and let it go late. */
export class Link {
  #cut = false;
  #directions = new Set();

  constructor(from, to) {
    const server = net.createServer((near) => {
      const far = net.connect(to);
      const isCut = () => this.#cut;
      for (const direction of [new Direction(near, far, isCut), new Direction(far, near, isCut)]) {
        this.#directions.add(direction);
        near.once('close', () => this.#directions.delete(direction));
      }
    });
    server.listen(from);
    server.unref();
  }

  cut() {
    this.#cut = true;
  }

  /** What was held back arrives now, or never. */
  mend({ late }) {
    this.#cut = false;
    for (const direction of this.#directions) {
      if (late) direction.release();
      else direction.drop();
    }
  }
}
