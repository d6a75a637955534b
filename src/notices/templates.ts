import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { ConfigFault, type ConfigProblem } from '../config/load.js';
import { BUILT_IN } from './built-in-templates.js';
import type { NoticeKind } from './records.js';

/** A template that can be filled: every placeholder in it is known, and every section is there. */
export interface Template {
  readonly subject: string;
  readonly body: string;
}

export type Templates = Record<NoticeKind, Template>;

/** Sections of a notice, in the order in which people can rely to find them. */
export const SECTIONS: Record<NoticeKind, readonly string[]> = {
  touched: ['summary', 'keys', 'when', 'actions', 'measures', 'advice', 'check'],
  precaution: ['summary', 'grounds', 'keys', 'measures', 'advice', 'check'],
};
const ANYWHERE = ['tenant', 'incident', 'notice', 'issued', 'sender'];
const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g;
const TEMPLATE_BYTES_MAX = 64 * 1024;
const SUBJECT = /^Subject: (\S.*)$/;

/**
 * The built-in templates, or `touched.txt` and `precaution.txt` of the folder where they are there.
 * @throws ConfigFault with file and line of everything that is wrong with them
 */
export function loadTemplates(folder: string | undefined): Templates {
  const problems: ConfigProblem[] = [];
  if (folder !== undefined && !existsSync(folder))
    throw new ConfigFault([{ file: folder, line: 1, field: 'notices.templates', message: 'is not there' }]);
  const load = (kind: NoticeKind): Template => {
    const file = folder === undefined ? undefined : path.join(folder, `${kind}.txt`);
    if (file === undefined || !existsSync(file)) return parsed(BUILT_IN[kind]);
    if (statSync(file).size > TEMPLATE_BYTES_MAX) {
      problems.push({ file, line: 1, field: '', message: `is larger than ${TEMPLATE_BYTES_MAX} bytes` });
      return parsed(BUILT_IN[kind]);
    }
    const text = readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
    problems.push(...templateProblems(kind, text).map((each) => ({ file, field: '', ...each })));
    return parsed(text);
  };
  const templates = { touched: load('touched'), precaution: load('precaution') };
  if (problems.length > 0) throw new ConfigFault(problems);
  return templates;
}

/** Everything that is wrong with a template, with its line. */
export function templateProblems(kind: NoticeKind, text: string): { line: number; message: string }[] {
  const problems: { line: number; message: string }[] = [];
  const say = (line: number, message: string) => problems.push({ line, message });
  const lines = text.split('\n');
  if (!SUBJECT.test(lines[0] ?? '')) say(1, 'must begin with a line like "Subject: Security notice"');
  const sections = SECTIONS[kind];
  const found: string[] = [];
  lines.forEach((line, at) => {
    const bare = line.replace(PLACEHOLDER, (_, name: string) => {
      if (sections.includes(name)) {
        if (at === 0) say(1, `{{${name}}} is a section and cannot stand in the subject`);
        else if (found.includes(name)) say(at + 1, `{{${name}}} stands here a second time`);
        else if (found.some((each) => sections.indexOf(each) > sections.indexOf(name)))
          say(at + 1, `{{${name}}} must stand before {{${found.at(-1)}}}: readers rely on the order`);
        found.push(name);
      } else if (!ANYWHERE.includes(name)) {
        say(at + 1, `there is no {{${name}}}; there are ${[...sections, ...ANYWHERE].join(', ')}`);
      }
      return '';
    });
    if (/\{\{|\}\}/.test(bare)) say(at + 1, 'has a placeholder that does not end, like {{name}}');
    // A notice that teaches people to follow links in notices helps the next thief.
    if (/:\/\/|\bwww\./i.test(bare)) say(at + 1, 'has a link; notices have none');
  });
  for (const name of sections) if (!found.includes(name)) say(lines.length, `{{${name}}} is missing`);
  return problems;
}

function parsed(text: string): Template {
  const [first = '', ...rest] = text.split('\n');
  return { subject: SUBJECT.exec(first)?.[1] ?? '', body: rest.join('\n').trim() };
}

/** Fills a template; what is filled in is not looked at for placeholders again. */
export function fill(template: Template, values: Readonly<Record<string, string>>): Template {
  const put = (text: string) => text.replace(PLACEHOLDER, (_, name: string) => values[name] ?? '');
  return { subject: put(template.subject), body: `${put(template.body)}\n` };
}
