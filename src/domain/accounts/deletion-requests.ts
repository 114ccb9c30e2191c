// What becomes of a customer's wish to be forgotten.

/** `closed`: somebody has seen to it. */
export const DELETION_STATUSES = ['none', 'open', 'closed'] as const;
export type DeletionStatus = (typeof DELETION_STATUSES)[number];
