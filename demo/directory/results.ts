import type { Document, QueuedRun } from './model.js';

export interface Ran {
  readonly exitCode: number;
  readonly output: string;
  readonly error: string;
  readonly endedAt: string;
}

/** A run's result, under the run's id. */
export function resultOf(
  run: QueuedRun,
  system: Document,
  { exitCode, output, error, endedAt }: Ran,
): Document {
  const { id, name, command, user, sudo } = run.command;
  return {
    ...{ _id: run.id, id: run.id, organization: run.organization },
    ...{ name, command, commandId: id, user, sudo, files: [] },
    ...{ system: system.hostname ?? '', systemId: system._id },
    ...{ requestTime: run.requestedAt, responseTime: endedAt },
    response: { id: run.id, error, data: { exitCode, output } },
    ...{ exitCode, workflowId: run.workflow, workflowInstanceId: run.workflow },
  };
}
