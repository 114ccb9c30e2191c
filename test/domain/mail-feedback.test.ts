import t from 'tap';
import { feedbackOf, type ReturnedMail, readFields } from '../../src/domain/mail/bounce-reports.ts';
import { bounceTypeOf, causeOf, factsAfter, type MessageFacts } from '../../src/domain/mail/feedback.ts';

const AT = new Date('2026-03-01T10:00:00Z');
const facts = (more: Partial<MessageFacts> = {}): MessageFacts => ({
  status: 'sent',
  reason: null,
  sentAt: AT,
  deliveredAt: null,
  bouncedAt: null,
  complainedAt: null,
  unsubscribedAt: null,
  ...more,
});

t.test('M4 final states never change: what is heard of a sent mail is a fact beside its state', async (t) => {
  for (const status of ['sent', 'failed', 'skipped', 'cancelled', 'sending', 'pending', 'ready'] as const)
    for (const event of ['delivered', 'bounced', 'complained', 'unsubscribed'] as const)
      t.equal(
        factsAfter(facts({ status }), { event, bounceType: 'hard' }, AT)?.status,
        status,
        `${status} ${event}`,
      );
});

t.test('M4 unknown becomes known: sent when it arrived, failed when it came back', async (t) => {
  const unknown = facts({ status: 'unknown', sentAt: null });
  for (const event of ['delivered', 'complained', 'unsubscribed'] as const)
    t.match(factsAfter(unknown, { event }, AT), { status: 'sent', sentAt: AT }, event);
  t.match(factsAfter(unknown, { event: 'bounced', bounceType: 'hard' }, AT), {
    status: 'failed',
    reason: 'refused_recipient',
    bouncedAt: AT,
    sentAt: null,
  });
  t.match(factsAfter(unknown, { event: 'bounced', diagnostic: '552 5.2.2 full' }, AT), {
    status: 'failed',
    reason: 'mailbox_full',
  });
  t.match(factsAfter(unknown, { event: 'bounced' }, AT), { status: 'failed', reason: 'refused' });
});

t.test(
  'a mail that waits for another attempt is not sent again when it is known to have arrived',
  async (t) => {
    const deferred = facts({ status: 'deferred', sentAt: null });
    t.match(factsAfter(deferred, { event: 'delivered' }, AT), { status: 'sent' });
    t.match(factsAfter(deferred, { event: 'bounced', bounceType: 'hard' }, AT), { status: 'failed' });
    t.match(factsAfter(deferred, { event: 'bounced', bounceType: 'soft' }, AT), { status: 'deferred' });
  },
);

t.test('hearing the same again is nothing', async (t) => {
  t.equal(factsAfter(facts({ deliveredAt: AT }), { event: 'delivered' }, AT), undefined);
  t.equal(factsAfter(facts({ bouncedAt: AT, status: 'unknown' }), { event: 'bounced' }, AT), undefined);
});

t.test('hard is said, or read from the words of the server', async (t) => {
  const hard = ['550 5.1.1 no such user', '5.1.1', 'smtp; 550-5.1.1 x', '550 no such user', '5.1.10 null MX'];
  const soft = [
    '',
    '552 5.2.2 full',
    '4.2.2 full',
    '5.7.1 blocked',
    '550 blocked for spam',
    'host 5501 says no',
    '451 later',
  ];
  for (const diagnostic of hard) t.equal(bounceTypeOf({ event: 'bounced', diagnostic }), 'hard', diagnostic);
  for (const diagnostic of soft) t.equal(bounceTypeOf({ event: 'bounced', diagnostic }), 'soft', diagnostic);
  t.equal(bounceTypeOf({ event: 'bounced', bounceType: 'soft', diagnostic: '5.1.1' }), 'soft');
  t.strictSame(
    [causeOf({ event: 'complained' }), causeOf({ event: 'delivered' }), causeOf({ event: 'unsubscribed' })],
    ['complaint', undefined, undefined],
  );
});

t.test('RFC 3464 fields: folded lines, several recipients, any line end', async (t) => {
  const text =
    'Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; a@b.c\r\nDiagnostic-Code: smtp; 550\r\n\t no such\r\n\r\nAction: failed\r\n';
  const blocks = readFields(text);
  t.equal(blocks.length, 3);
  t.equal(blocks[1]?.get('diagnostic-code'), 'smtp; 550 no such');
  t.strictSame(readFields(''), []);
  t.strictSame(readFields('no field\n\nnone here either'), []);
});

const returned = (status: string[], complaint?: string): ReturnedMail => ({
  addressedTo: [],
  deliveryStatus: status.flatMap(readFields),
  complaint: complaint === undefined ? undefined : readFields(complaint)[0],
  returnedMessageId: undefined,
  returnedAddresses: [],
});

t.test('RFC 3464 only what is final counts: failed and delivered', async (t) => {
  const block = (action: string) =>
    `Final-Recipient: rfc822; a@b.c\nAction: ${action}\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 unknown`;
  t.match(feedbackOf(returned([block('failed')])), [
    { event: 'bounced', email: 'a@b.c', diagnostic: '5.1.1 550 unknown' },
  ]);
  t.match(feedbackOf(returned([block('delivered')])), [{ event: 'delivered' }]);
  for (const action of ['delayed', 'relayed', 'expanded', ''])
    t.strictSame(feedbackOf(returned([block(action)])), []);
});

t.test('RFC 5965 complaints, and reports that are none', async (t) => {
  const of = (type: string) =>
    feedbackOf(returned([], `Feedback-Type: ${type}\nVersion: 1`)).map(({ event }) => event);
  for (const type of ['abuse', 'fraud', 'virus', 'other']) t.strictSame(of(type), ['complained'], type);
  t.strictSame(of('opt-out'), ['unsubscribed']);
  for (const type of ['not-spam', 'auth-failure']) t.strictSame(of(type), [], type);
  t.strictSame(feedbackOf(returned([])), []);
});
