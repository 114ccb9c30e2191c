// Invitations (I1–I4): the state of one follows from its facts and its mail, and who can get one.
import {
  type AccountFacts,
  type AccountRefusal,
  type AccountStatus,
  planAccountCommand,
  type StatusChange,
} from '../account-states.ts';
import type { SuppressionReason } from '../mail/consents.ts';
import { type MessageStatus, WAITING_STATUSES } from '../mail/messages.ts';

export const INVITATION_STATUSES = [
  'queued',
  'sent',
  'failed',
  'opened',
  'accepted',
  'expired',
  'revoked',
] as const;
export type InvitationStatus = (typeof INVITATION_STATUSES)[number];

/** An invitation and what became of its mail. */
export interface InvitationFacts {
  /** Null until the mail is made (I1). */
  expiresAt: Date | null;
  openedAt: Date | null;
  acceptedAt: Date | null;
  revokedAt: Date | null;
  mailStatus: MessageStatus;
  bouncedAt: Date | null;
}

/** States of a mail in which it may go out yet. */
export const MAIL_UNDER_WAY = [...WAITING_STATUSES, 'sending'] as const satisfies readonly MessageStatus[];
/** States of a mail that never went out. */
export const MAIL_LOST = ['failed', 'skipped', 'cancelled'] as const satisfies readonly MessageStatus[];

const isOneOf = (statuses: readonly MessageStatus[], status: MessageStatus): boolean =>
  statuses.includes(status);

/**
 * I4: where an invitation stands. A page that was opened proves that the mail arrived, whatever the servers said; the
 * time of a link runs out only once its mail has gone. `unknown` mails count as sent: they may have arrived.
 */
export function invitationStatus(facts: InvitationFacts, at: Date): InvitationStatus {
  if (facts.acceptedAt) return 'accepted';
  if (facts.revokedAt) return 'revoked';
  if (!facts.openedAt) {
    if (isOneOf(MAIL_UNDER_WAY, facts.mailStatus)) return 'queued';
    if (isOneOf(MAIL_LOST, facts.mailStatus) || facts.bouncedAt) return 'failed';
  }
  if (facts.expiresAt && facts.expiresAt <= at) return 'expired';
  return facts.openedAt ? 'opened' : 'sent';
}

const ALIVE: ReadonlySet<InvitationStatus> = new Set(['queued', 'sent', 'opened']);

/** Whether its link works, or will: inviting in bulk leaves such customers alone. */
export const isAlive = (facts: InvitationFacts, at: Date): boolean => ALIVE.has(invitationStatus(facts, at));

/** Why its mail never arrived; undefined when nothing says so. */
export const failureReason = (facts: InvitationFacts & { mailReason: string | null }): string | undefined => {
  if (isOneOf(MAIL_LOST, facts.mailStatus)) return facts.mailReason ?? 'cancelled';
  return facts.bouncedAt ? 'bounced' : undefined;
};

/** What decides whether a customer can be invited. */
export interface Invitee extends AccountFacts {
  accountStatus: AccountStatus;
  /** Why the address gets no mail at present. */
  suppressed: SuppressionReason | null;
}

export type InvitationRefusal =
  | AccountRefusal
  | { refused: 'ADDRESS_SUPPRESSED'; reason: SuppressionReason; wayOut: string };

/** C4 and M3: what inviting comes to, or why not and what to do instead. */
export function planInvitation(invitee: Invitee): StatusChange | InvitationRefusal {
  const plan = planAccountCommand('invite', invitee.accountStatus, invitee);
  if ('refused' in plan || invitee.suppressed === null) return plan;
  return {
    refused: 'ADDRESS_SUPPRESSED',
    reason: invitee.suppressed,
    wayOut:
      'Give the customer another address, or lift the suppression with DELETE /v1/suppressions/{address}.',
  };
}
