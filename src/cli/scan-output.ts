import { accessSync, constants, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** That a report has no place is better known now than after an hour. @throws {Error} */
export function checkFolder(file: string): void {
  try {
    accessSync(path.dirname(file), constants.W_OK);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** Whole or not at all: what was there stays until the new file is complete. @throws {Error} */
export function writeWhole(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.part`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw unwritable(file, error);
  }
}

function unwritable(file: string, error: unknown): Error {
  return new Error(`${file} cannot be written (${(error as NodeJS.ErrnoException).code}).`);
}
