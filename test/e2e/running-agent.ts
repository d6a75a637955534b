import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { until } from './running-guard.js';

const main = path.resolve(import.meta.dirname, '../../build/demo/agent/main.js');

/** A device agent as a process of its own. */
export interface AgentProcess {
  readonly child: ChildProcess;
  readonly sandbox: string;
  readonly systemId: string;
  /** What it said so far, a line each. */
  said(): Record<string, unknown>[];
  ended(): Promise<number | null>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface AgentArgs {
  readonly url: string;
  readonly connectKey?: string | undefined;
  readonly sandbox: string;
  readonly hostname: string;
  /** Of an agent that was started before. */
  readonly systemId?: string | undefined;
}

export function spawnAgent({ url, connectKey, sandbox, hostname }: AgentArgs): ChildProcess {
  const args = ['--directory', url, '--sandbox', sandbox, '--hostname', hostname, '--check-in-ms', '300'];
  const key = connectKey === undefined ? [] : ['--connect-key', connectKey];
  return spawn(process.execPath, [main, ...args, '--until-stdin-ends', ...key], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Resolves when it is enrolled. */
export async function startAgent(args: AgentArgs): Promise<AgentProcess> {
  const child = spawnAgent(args);
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (bytes) => {
    stdout += String(bytes);
  });
  child.stderr?.on('data', (bytes) => {
    stderr += String(bytes);
  });
  const said = () =>
    stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  let { systemId } = args;
  await until(() => {
    if (child.exitCode !== null) throw new Error(`The agent did not start: ${stdout}${stderr}`);
    systemId ??= said().find(({ event }) => event === 'enrolled')?.systemId as string | undefined;
    return systemId !== undefined;
  });
  const ended = async () => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  };
  return {
    ...{ child, sandbox: args.sandbox, systemId: systemId ?? '', said, ended },
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      await ended();
    },
  };
}
