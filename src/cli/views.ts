import type { z } from 'zod';
import type { budgetView, holdsView, holdView, standingView } from '../admin/routes/behaviour.js';
import type { callerView, planView } from '../admin/routes/containment.js';
import type { incidentView } from '../admin/routes/incidents.js';
import type { dryRunView } from '../admin/routes/journal.js';
import type { deliveryView, noticeView, previewView } from '../admin/routes/notices.js';
import type { receiptView } from '../admin/routes/receipts.js';
import type { appliedView, statusView } from '../admin/routes/system.js';
import type { issuedView, keyView, operatorView, sealedView } from '../admin/views.js';

/** Answers of the admin API, as its own schemas describe them: types only, no code of the server. */
export type KeyView = z.output<typeof keyView>;
export type IssuedView = z.output<typeof issuedView>;
export type SealedView = z.output<typeof sealedView>;
export type OperatorView = z.output<typeof operatorView>;
export type StatusView = z.output<typeof statusView>;
export type AppliedView = z.output<typeof appliedView>;
export type HoldView = z.output<typeof holdView>;
export type HoldsView = z.output<typeof holdsView>;
export type StandingView = z.output<typeof standingView>;
export type BudgetView = z.output<typeof budgetView>;
export type IncidentView = z.output<typeof incidentView>;
export type PlanView = z.output<typeof planView>;
export type CallerView = z.output<typeof callerView>;
export type DryRunView = z.output<typeof dryRunView>;
export type ReceiptView = z.output<typeof receiptView>;
export type NoticeView = z.output<typeof noticeView>;
export type NoticePreview = z.output<typeof previewView>;
export type DeliveryView = z.output<typeof deliveryView>;
