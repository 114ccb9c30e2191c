// Invitations: the state that follows from the facts, and what is shown of an address.
import t from 'tap';
import {
  failureReason,
  type InvitationFacts,
  invitationStatus,
  isAlive,
  planInvitation,
} from '../../../src/domain/accounts/invitations.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const BEFORE = new Date('2026-03-01T11:59:59Z');
const LATER = new Date('2026-03-01T12:00:01Z');
const QUEUED: InvitationFacts = {
  expiresAt: null,
  openedAt: null,
  acceptedAt: null,
  revokedAt: null,
  mailStatus: 'pending',
  bouncedAt: null,
};
const SENT: InvitationFacts = { ...QUEUED, mailStatus: 'sent', expiresAt: LATER };

t.test('I4 the state follows from the facts', async (t) => {
  const cases: [string, InvitationFacts][] = [
    ['queued', QUEUED],
    ['queued', { ...QUEUED, mailStatus: 'ready' }],
    ['queued', { ...QUEUED, mailStatus: 'sending', expiresAt: LATER }],
    ['queued', { ...QUEUED, mailStatus: 'deferred', expiresAt: BEFORE }],
    ['sent', SENT],
    ['sent', { ...SENT, mailStatus: 'unknown' }],
    ['failed', { ...SENT, mailStatus: 'failed' }],
    ['failed', { ...SENT, mailStatus: 'failed', expiresAt: BEFORE }],
    ['failed', { ...QUEUED, mailStatus: 'skipped' }],
    ['failed', { ...QUEUED, mailStatus: 'cancelled' }],
    ['failed', { ...SENT, bouncedAt: BEFORE }],
    ['opened', { ...SENT, openedAt: BEFORE }],
    ['opened', { ...SENT, openedAt: BEFORE, mailStatus: 'deferred' }],
    ['opened', { ...SENT, openedAt: BEFORE, bouncedAt: BEFORE }],
    ['expired', { ...SENT, expiresAt: NOW }],
    ['expired', { ...SENT, expiresAt: BEFORE, openedAt: BEFORE }],
    ['accepted', { ...SENT, acceptedAt: BEFORE }],
    ['accepted', { ...SENT, expiresAt: BEFORE, acceptedAt: BEFORE, revokedAt: BEFORE }],
    ['revoked', { ...SENT, revokedAt: BEFORE, openedAt: BEFORE }],
    ['revoked', { ...QUEUED, mailStatus: 'cancelled', revokedAt: BEFORE }],
  ];
  for (const [status, facts] of cases) t.equal(invitationStatus(facts, NOW), status, JSON.stringify(facts));
});

t.test('I4 only an invitation whose link works or will is alive', async (t) => {
  t.ok(isAlive(QUEUED, NOW));
  t.ok(isAlive(SENT, NOW));
  t.ok(isAlive({ ...SENT, openedAt: BEFORE }, NOW));
  for (const dead of [
    { ...SENT, expiresAt: NOW },
    { ...SENT, revokedAt: BEFORE },
    { ...SENT, acceptedAt: BEFORE },
    { ...SENT, bouncedAt: BEFORE },
  ])
    t.notOk(isAlive(dead, NOW));
});

t.test('I4 a failure says why', async (t) => {
  const failed = { ...SENT, mailStatus: 'failed', mailReason: 'mailbox_full' } as const;
  t.equal(failureReason(failed), 'mailbox_full');
  t.equal(failureReason({ ...SENT, mailStatus: 'cancelled', mailReason: null }), 'cancelled');
  t.equal(failureReason({ ...SENT, bouncedAt: NOW, mailReason: null }), 'bounced');
  t.equal(failureReason({ ...SENT, mailReason: null }), undefined);
});

t.test('C4, I4 who can be invited', async (t) => {
  const guest = { accountStatus: 'guest', accounts: 'optional', hasEmail: true, suppressed: null } as const;
  t.match(planInvitation(guest), { accountStatus: 'invited', changed: true });
  t.match(planInvitation({ ...guest, accountStatus: 'invited' }), { changed: true, endsInvitation: true });
  t.match(planInvitation({ ...guest, accountStatus: 'active' }), { refused: 'ALREADY_ACTIVE' });
  t.match(planInvitation({ ...guest, accountStatus: 'disabled' }), { refused: 'ACCOUNT_STATE_CONFLICT' });
  t.match(planInvitation({ ...guest, accountStatus: 'erased' }), { refused: 'CUSTOMER_GONE' });
  t.match(planInvitation({ ...guest, hasEmail: false }), { refused: 'NO_EMAIL' });
  t.match(planInvitation({ ...guest, accounts: 'none' }), { refused: 'ACCOUNTS_NOT_OFFERED' });
  t.match(planInvitation({ ...guest, suppressed: 'complaint' }), {
    refused: 'ADDRESS_SUPPRESSED',
    reason: 'complaint',
  });
});
