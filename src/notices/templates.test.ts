import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigFault } from '../config/load.js';
import { BUILT_IN } from './built-in-templates.js';
import { fill, loadTemplates, SECTIONS, templateProblems } from './templates.js';

const PRECAUTION = BUILT_IN.precaution;

describe('a template', () => {
  it('that is built in has nothing wrong with it', () => {
    expect(templateProblems('touched', BUILT_IN.touched)).toEqual([]);
    expect(templateProblems('precaution', PRECAUTION)).toEqual([]);
  });

  it.each([
    ['no subject', (text: string) => text.replace('Subject: ', ''), 1, /must begin with a line/],
    ['an unknown name', (text: string) => text.replace('{{tenant}}', '{{tennant}}'), 3, /no \{\{tennant\}\}/],
    [
      'a lost section',
      (text: string) => text.replace('{{keys}}', 'see above'),
      23,
      /\{\{keys\}\} is missing/,
    ],
    [
      'a section twice',
      (text: string) => text.replace('{{check}}', '{{advice}}\n{{check}}'),
      22,
      /second time/,
    ],
    [
      'another order',
      (text: string) => text.replace('{{summary}}', '{{check}}').replace('{{keys}}', '{{summary}}'),
      13,
      /\{\{summary\}\} must stand before/,
    ],
    [
      'a link',
      (text: string) => text.replace('{{advice}}', '{{advice}}\nLog in at https://x.example'),
      20,
      /link/,
    ],
    [
      'a bare link',
      (text: string) => text.replace('{{advice}}', '{{advice}}\nSee WWW.x.example'),
      20,
      /link/,
    ],
    ['an open brace', (text: string) => text.replace('{{tenant}}', '{{tenant'), 3, /does not end/],
    ['a section in the subject', (text: string) => text.replace('{{incident}}', '{{keys}}'), 1, /subject/],
  ])('with %s is refused with its line', (_, change, line, message) => {
    const problems = templateProblems('precaution', change(PRECAUTION));
    expect(problems.find((each) => message.test(each.message))?.line).toBe(line);
  });

  it('is filled once: what is filled in is no template', () => {
    const filled = fill(
      { subject: '{{tenant}}', body: '{{keys}}' },
      { tenant: '{{keys}}', keys: '{{tenant}} $&' },
    );
    expect(filled).toEqual({ subject: '{{keys}}', body: '{{tenant}} $&\n' });
  });

  it('of the operator takes the place of the built-in one, and a bad one is named with file and line', () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-templates-'));
    const file = path.join(dir, 'precaution.txt');
    const own = `Subject: Hinweis\r\n${SECTIONS.precaution.map((name) => `{{${name}}}`).join('\r\n')}\r\n`;
    writeFileSync(file, own);
    const { precaution, touched } = loadTemplates(dir);
    expect(precaution.subject).toBe('Hinweis');
    expect(touched).toEqual(loadTemplates(undefined).touched);
    writeFileSync(file, own.replace('{{grounds}}', '{{reasons}}'));
    const fault = catchFault(() => loadTemplates(dir));
    expect(fault.problems.map((each) => [each.file, each.line])).toEqual([
      [file, 3],
      [file, 8],
    ]);
    rmSync(dir, { recursive: true });
    expect(catchFault(() => loadTemplates(dir)).problems[0]?.message).toBe('is not there');
  });
});

function catchFault(task: () => unknown): ConfigFault {
  try {
    task();
  } catch (error) {
    if (error instanceof ConfigFault) return error;
  }
  throw new Error('It was not refused.');
}
