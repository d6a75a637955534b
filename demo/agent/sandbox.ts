import { lstat, mkdir, readdir, realpath, rm } from 'node:fs/promises';
import path from 'node:path';

/** The folder that is the device: nothing outside of it is read or written for anyone. */
export class Sandbox {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * @param known whether an earlier start of this agent took the folder; an erase empties it, so a folder that held
   * something before is not taken
   * @throws {Error}
   */
  static async open(folder: string, known: boolean): Promise<Sandbox> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const real = await realpath(folder);
    if (!known && (await readdir(real)).length > 0)
      throw new Error(`The sandbox ${folder} is not empty: an agent starts with an empty one.`);
    return new Sandbox(real);
  }

  /** The absolute path, if it stays inside, links followed; else undefined. */
  async inside(name: string): Promise<string | undefined> {
    if (name === '' || path.isAbsolute(name) || name.split('/').includes('..')) return undefined;
    const wanted = path.join(this.folder, name);
    const existing = await realOf(wanted);
    const within = existing === this.folder || existing?.startsWith(this.folder + path.sep);
    return within ? wanted : undefined;
  }

  async bytes(): Promise<number> {
    let sum = 0;
    for (const entry of await this.entries()) sum += (await lstat(entry)).size;
    return sum;
  }

  /** Absolute paths of everything in it that is no folder; links are not followed. */
  async entries(): Promise<string[]> {
    const all = await readdir(this.folder, { recursive: true, withFileTypes: true });
    return all.filter((each) => !each.isDirectory()).map((each) => path.join(each.parentPath, each.name));
  }

  async erase(): Promise<void> {
    for (const name of await readdir(this.folder))
      await rm(path.join(this.folder, name), { recursive: true, force: true });
  }
}

/** Where a path leads. Of what is not there yet: where its nearest folder leads; of a dangling link: nowhere. */
async function realOf(wanted: string): Promise<string | undefined> {
  for (let at = wanted; ; at = path.dirname(at)) {
    try {
      return await realpath(at);
    } catch {
      if (at === path.dirname(at) || (await isThere(at))) return undefined;
    }
  }
}

async function isThere(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}
