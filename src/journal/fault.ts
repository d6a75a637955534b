/** What is wrong with the journal; a closed list. */
export type JournalFaultCode =
  | 'journal_write_failed'
  | 'journal_queue_full'
  | 'journal_closed'
  | 'journal_locked'
  | 'journal_damaged'
  | 'journal_worker_stopped'
  | 'journal_entry_missing';

export class JournalFault extends Error {
  readonly code: JournalFaultCode;

  constructor(code: JournalFaultCode, message: string) {
    super(message);
    this.name = 'JournalFault';
    this.code = code;
  }
}
