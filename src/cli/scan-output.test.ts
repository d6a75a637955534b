import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sourcesOf } from '../edges/scan/read/sources.js';
import { checkOutputs, writeWhole } from './scan-output.js';

let dir: string;
const at = (name: string) => path.join(dir, name);
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-output-'));
  writeFileSync(at('log'), 'evidence');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('where a report goes', () => {
  it('is never a log, by whatever name', () => {
    symlinkSync(at('log'), at('link'));
    linkSync(at('log'), at('other-name'));
    for (const file of ['log', './log', 'link', 'other-name'])
      expect(() => checkOutputs([path.join(dir, file)], sourcesOf([at('log')])), file).toThrow(
        'one of the logs',
      );
    checkOutputs([at('report')], sourcesOf([at('log'), '-']));
  });

  it('is no folder, and not the same for two', () => {
    mkdirSync(at('folder'));
    expect(() => checkOutputs([at('folder')], [])).toThrow('is a folder');
    expect(() => checkOutputs([at('nowhere/report')], [])).toThrow('cannot be written (ENOENT)');
    expect(() => checkOutputs([at('a'), at('b/../a')], [])).toThrow('named for two reports');
  });

  it('is known although a log cannot be looked at: reading says so, and the scan goes on', () => {
    symlinkSync('circle', at('circle'));
    checkOutputs([at('report')], sourcesOf([at('circle'), at('log')]));
    expect(() => checkOutputs([at('circle')], [])).toThrow(`${at('circle')} cannot be written (ELOOP).`);
  });

  it('is written whole, through a link, and into a device as it is', () => {
    writeFileSync(at('target'), 'old');
    symlinkSync(at('target'), at('link'));
    writeWhole(at('link'), 'new');
    expect(readFileSync(at('target'), 'utf8')).toBe('new');
    writeWhole('/dev/null', 'gone');
    expect(() => writeWhole('/dev/full', 'x')).toThrow('/dev/full cannot be written (ENOSPC)');
    expect(readdirSync(dir).sort()).toEqual(['link', 'log', 'target']);
    expect(readFileSync('/dev/null', 'utf8')).toBe('');
  });
});
