import { parse } from 'shell-quote';

/** What a program of the list may be given; everything else is refused. */
interface Allowed {
  readonly options: RegExp;
  readonly operands: 'none' | 'text' | 'files';
}

/** The agent's own list: what the directory asks for is measured by it, whoever asks. */
const PROGRAMS: Readonly<Record<string, Allowed>> = {
  uname: { options: /^-[asnrvmpio]+$/, operands: 'none' },
  hostname: { options: /^-[sf]$/, operands: 'none' },
  id: { options: /^-[ugnG]+$/, operands: 'none' },
  uptime: { options: /^-[ps]$/, operands: 'none' },
  date: { options: /^-[uRI]+$/, operands: 'none' },
  echo: { options: /^-n$/, operands: 'text' },
  sleep: { options: /^(?!)/, operands: 'text' },
  df: { options: /^-[hkPT]+$/, operands: 'files' },
  ls: { options: /^-[lahA1Rt]+$/, operands: 'files' },
  cat: { options: /^-[nE]+$/, operands: 'files' },
  wc: { options: /^-[clw]+$/, operands: 'files' },
  touch: { options: /^-[acm]+$/, operands: 'files' },
  mkdir: { options: /^-p$/, operands: 'files' },
  rm: { options: /^-[rf]+$/, operands: 'files' },
};

export type Read =
  | { readonly program: string; readonly args: readonly string[]; readonly files: readonly string[] }
  | { readonly refused: string };

const COMMAND_CHARACTERS_MAX = 8_192;

/** Splits into words as a shell would, and refuses whatever a shell would do beyond that. Nothing is expanded. */
export function readCommand(text: string, allowed: ReadonlySet<string>): Read {
  const line = text.trim();
  if (line === '') return { refused: 'there is no command' };
  if (line.length > COMMAND_CHARACTERS_MAX) return { refused: 'the command is too long' };
  if (/[\0-\x1f\x7f]/.test(line)) return { refused: 'a control character' };
  if (/[`$\\~]/.test(line)) return { refused: 'a character that asks for expansion' };
  const words = parse(line);
  if (!words.every((word) => typeof word === 'string'))
    return { refused: 'an operator or a pattern of a shell' };
  const [program = '', ...args] = words;
  const rules = allowed.has(program) && Object.hasOwn(PROGRAMS, program) ? PROGRAMS[program] : undefined;
  if (rules === undefined) return { refused: `${program} is not on the list of this agent` };
  const isOption = (arg: string) => arg.startsWith('-') && arg !== '-';
  const options = args.filter(isOption);
  const wrong = rules.operands === 'text' ? undefined : options.find((each) => !rules.options.test(each));
  if (wrong !== undefined) return { refused: `${program} may not be given ${wrong}` };
  const operands = args.filter((arg) => !isOption(arg));
  if (rules.operands === 'none' && operands.length > 0)
    return { refused: `${program} may not be given ${operands[0]}` };
  return { program, args, files: rules.operands === 'files' ? operands : [] };
}

export const PROGRAM_NAMES: readonly string[] = Object.keys(PROGRAMS);
