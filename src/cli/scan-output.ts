import {
  accessSync,
  constants,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { idOf, type Source } from '../edges/scan/read/sources.js';

/**
 * That a report has no place, or would take that of a log, is better known now than after an hour.
 * @throws {Error}
 */
export function checkOutputs(files: readonly string[], sources: readonly Source[]): void {
  const logs = new Set(sources.flatMap(({ id }) => id ?? []));
  const taken = new Set<string>();
  for (const file of files) {
    const stats = statsOf(file);
    if (stats?.isDirectory()) throw new Error(`${file} is a folder: name a file in it.`);
    checkWritable(file, stats);
    const identity = (stats?.isFile() ? idOf(stats) : undefined) ?? path.resolve(file);
    if (logs.has(identity)) throw new Error(`${file} is one of the logs: it would be overwritten.`);
    if (taken.has(identity)) throw new Error(`${file} is named for two reports: name another.`);
    taken.add(identity);
  }
}

/** Whole or not at all: what was there stays until the new file is complete. Devices and pipes are written as it comes. @throws {Error} */
export function writeWhole(file: string, text: string): void {
  const stats = statsOf(file);
  try {
    if (stats !== undefined && !stats.isFile()) writeFileSync(file, text);
    // Where it is a link, the file that it leads to is written.
    else replace(stats === undefined ? file : realpathSync(file), text);
  } catch (error) {
    throw unwritable(file, error);
  }
}

function replace(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.part`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function checkWritable(file: string, stats: Stats | undefined): void {
  try {
    if (stats !== undefined && !stats.isFile()) accessSync(file, constants.W_OK);
    else accessSync(path.dirname(stats === undefined ? file : realpathSync(file)), constants.W_OK);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** @throws {Error} where it cannot be told */
function statsOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw unwritable(file, error);
  }
}

function unwritable(file: string, error: unknown): Error {
  return new Error(`${file} cannot be written (${(error as NodeJS.ErrnoException).code}).`);
}
