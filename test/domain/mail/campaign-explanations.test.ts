import t from 'tap';
import { type ExplanationFacts, explain } from '../../../src/domain/mail/campaign-explanations.ts';
import { CONSENT_SOURCES } from '../../../src/domain/mail/consents.ts';
import { MESSAGE_STATUSES, SKIP_REASONS } from '../../../src/domain/mail/messages.ts';

const AT = new Date('2026-05-04T10:00:00Z');
const ROW = {
  status: 'sent' as const,
  reason: null,
  sendAfter: AT,
  sentAt: AT,
  deliveredAt: null,
  bouncedAt: null,
  complainedAt: null,
  unsubscribedAt: null,
  clickedAt: null,
};
const FACTS: ExplanationFacts = {
  campaign: { name: 'Spring', status: 'running', topic: 'offers', preparedAt: AT },
  namedBy: [{ kind: 'segment', name: 'VIP' }],
  excludedBy: [],
  consent: { state: 'granted', effectiveAt: AT, source: 'checkout' },
  suppression: null,
  contacts: [],
  twins: [],
  received: [],
  holdoutPercent: 5,
  mergedIntoId: null,
};
const text = (facts: Partial<ExplanationFacts>): string =>
  explain({ ...FACTS, ...facts }).sentences.join(' ');

t.test('every reason has words of its own', async (t) => {
  const told = SKIP_REASONS.map((reason) => text({ row: { ...ROW, status: 'skipped', reason } }));
  t.ok(told.every((sentence) => sentence.includes('They get nothing. ')));
  t.notOk(told.some((sentence) => /The reason is|undefined|null/.test(sentence)));
  t.match(text({ row: { ...ROW, status: 'skipped', reason: 'new_one' } }), /The reason is new_one/);
});

t.test('every state is told, with what came of the mail', async (t) => {
  for (const status of MESSAGE_STATUSES)
    t.match(text({ row: { ...ROW, status, reason: 'refused' } }), /frozen on 2026-05-04 10:00 UTC/, status);
  const row = { ...ROW, deliveredAt: AT, clickedAt: AT };
  t.match(text({ row }), /was sent on .* It was delivered on .* They clicked in it on /);
  t.match(text({ row, namedBy: [] }), /was in the audience when it was frozen; today no part/);
});

t.test('what stands behind a reason is told with its time', async (t) => {
  const skipped = (reason: string) => ({ ...ROW, status: 'skipped' as const, reason });
  for (const source of CONSENT_SOURCES) {
    const consent = { state: 'withdrawn' as const, effectiveAt: AT, source };
    t.match(
      text({ row: skipped('unsubscribed'), consent }),
      /was withdrawn .+ on 2026-05-04 10:00 UTC/,
      source,
    );
  }
  const contacts = [{ sent: 3, limit: 2, days: 7, lastAt: AT }];
  t.match(
    text({ row: skipped('contact_limit'), contacts }),
    /3 marketing mails .* within 7 days, the last one on .*is 2/,
  );
  const suppression = { reason: 'complaint', createdAt: AT, until: null };
  t.match(
    text({ row: skipped('suppressed_complaint'), suppression }),
    /\(complaint\) since .* until somebody takes it off/,
  );
  const received = [{ campaign: 'Winter', at: AT }];
  t.match(text({ row: skipped('already_received'), received }), /“Winter” on 2026-05-04/);
  t.match(text({ row: skipped('merged'), mergedIntoId: 'abc' }), /merged into abc/);
});

t.test('before the start it says what would be', async (t) => {
  const before = { campaign: { ...FACTS.campaign, preparedAt: null } };
  t.match(explain({ ...FACTS, ...before, verdict: { reason: null, due: AT } }), {
    outcome: 'would_send',
    reason: null,
  });
  t.match(explain({ ...FACTS, ...before, verdict: { reason: 'holdout', due: AT } }), {
    outcome: 'would_skip',
  });
  t.match(explain({ ...FACTS, ...before, namedBy: [] }), { outcome: 'not_in_audience' });
});
