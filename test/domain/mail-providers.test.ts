// Bodies as the providers document them, and what becomes of them.
import fc from 'fast-check';
import t from 'tap';
import { confirmationUrlOf, feedbackFrom, PROVIDERS, relayHeaders } from '../../src/domain/mail/providers.ts';

const ID = '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11';
const AT = new Date('2026-03-01T10:00:00Z');
const SECONDS = AT.getTime() / 1000;

t.test('Postmark', async (t) => {
  const bounce = {
    RecordType: 'Bounce',
    Type: 'HardBounce',
    MessageID: '883953f4-6105-42a2-a16a-77a8eac79483',
    Metadata: { message: ID },
    Email: 'ada@example.net',
    BouncedAt: AT.toISOString(),
    Details: 'smtp;550 5.1.1 unknown',
  };
  t.strictSame(feedbackFrom('postmark', bounce), [
    {
      messageId: ID,
      email: 'ada@example.net',
      at: AT,
      diagnostic: 'smtp;550 5.1.1 unknown',
      event: 'bounced',
      bounceType: 'hard',
    },
  ]);
  t.match(feedbackFrom('postmark', { ...bounce, Type: 'SoftBounce' }), [
    { event: 'bounced', bounceType: 'soft' },
  ]);
  t.match(feedbackFrom('postmark', { ...bounce, Type: 'SpamComplaint' }), [{ event: 'complained' }]);
  t.match(feedbackFrom('postmark', { ...bounce, Type: 'Unsubscribe' }), [{ event: 'unsubscribed' }]);
  t.strictSame(feedbackFrom('postmark', { ...bounce, Type: 'AutoResponder' }), []);
  t.match(
    feedbackFrom('postmark', {
      RecordType: 'Delivery',
      Recipient: 'ada@example.net',
      DeliveredAt: AT.toISOString(),
    }),
    [{ event: 'delivered', email: 'ada@example.net', at: AT }],
  );
  t.match(feedbackFrom('postmark', { RecordType: 'SpamComplaint', Email: 'ada@example.net' }), [
    { event: 'complained' },
  ]);
  const change = {
    RecordType: 'SubscriptionChange',
    SuppressSending: true,
    Origin: 'Recipient',
    Recipient: 'a@b.c',
  };
  t.match(feedbackFrom('postmark', { ...change, SuppressionReason: 'ManualSuppression' }), [
    { event: 'unsubscribed' },
  ]);
  t.strictSame(
    feedbackFrom('postmark', { ...change, SuppressionReason: 'HardBounce' }),
    [],
    'told as a bounce',
  );
  t.strictSame(feedbackFrom('postmark', { RecordType: 'Open' }), []);
});

t.test('SendGrid', async (t) => {
  const base = { email: 'ada@example.net', timestamp: SECONDS, 'smtp-id': '<abc@example.com>' };
  const events = feedbackFrom('sendgrid', [
    { ...base, event: 'delivered', response: '250 OK' },
    { ...base, event: 'bounce', type: 'bounce', status: '5.1.1', reason: '550 no such user' },
    { ...base, event: 'bounce', type: 'blocked', reason: '550 spam' },
    { ...base, event: 'bounce', type: 'bounce', bounce_classification: 'Reputation' },
    { ...base, event: 'dropped', reason: 'Bounced Address' },
    { ...base, event: 'dropped', reason: 'Spam Content' },
    { ...base, event: 'spamreport' },
    { ...base, event: 'group_unsubscribe' },
    { ...base, event: 'open' },
    { ...base, event: 'deferred' },
  ]);
  t.strictSame(
    events.map(({ event, bounceType }) => (bounceType ? `${event} ${bounceType}` : event)),
    [
      'delivered',
      'bounced hard',
      'bounced soft',
      'bounced soft',
      'bounced hard',
      'complained',
      'unsubscribed',
    ],
  );
  t.match(events[1], { messageId: '<abc@example.com>', at: AT, diagnostic: '5.1.1 550 no such user' });
});

t.test('Amazon SES by SNS, wrapped and raw', async (t) => {
  const mail = {
    messageId: 'ses-id',
    headers: [{ name: 'Message-ID', value: '<abc@example.com>' }],
    commonHeaders: { messageId: '<other@example.com>' },
  };
  const bounce = {
    notificationType: 'Bounce',
    mail,
    bounce: {
      bounceType: 'Permanent',
      timestamp: AT.toISOString(),
      bouncedRecipients: [
        { emailAddress: 'ada@example.net', status: '5.1.1', diagnosticCode: 'smtp; 550 unknown' },
      ],
    },
  };
  const wrapped = { Type: 'Notification', Message: JSON.stringify(bounce) };
  for (const payload of [bounce, wrapped])
    t.match(feedbackFrom('ses', payload), [
      {
        messageId: '<abc@example.com>',
        email: 'ada@example.net',
        event: 'bounced',
        bounceType: 'hard',
        at: AT,
        diagnostic: '5.1.1 smtp; 550 unknown',
      },
    ]);
  t.match(feedbackFrom('ses', { ...bounce, bounce: { ...bounce.bounce, bounceType: 'Transient' } }), [
    { bounceType: 'soft' },
  ]);
  const complaint = {
    complainedRecipients: [{ emailAddress: 'ada@example.net' }],
    timestamp: AT.toISOString(),
  };
  t.match(
    feedbackFrom('ses', { eventType: 'Complaint', mail: { ...mail, tags: { message: [ID] } }, complaint }),
    [{ event: 'complained', messageId: ID }],
  );
  t.strictSame(
    feedbackFrom('ses', {
      eventType: 'Complaint',
      mail,
      complaint: { ...complaint, complaintFeedbackType: 'not-spam' },
    }),
    [],
  );
  t.match(
    feedbackFrom('ses', {
      notificationType: 'Delivery',
      mail,
      delivery: { recipients: ['ada@example.net'] },
    }),
    [{ event: 'delivered', email: 'ada@example.net' }],
  );
  t.strictSame(feedbackFrom('ses', { Type: 'Notification', Message: 'no json' }), []);
});

t.test('SES: only addresses of SNS itself are asked to confirm a subscription', async (t) => {
  const url = (SubscribeURL: unknown) =>
    confirmationUrlOf({ Type: 'SubscriptionConfirmation', SubscribeURL });
  const good = 'https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=x';
  t.equal(url(good), good);
  t.equal(confirmationUrlOf({ Type: 'Notification', SubscribeURL: good }), undefined);
  for (const evil of [
    'http://sns.eu-central-1.amazonaws.com/',
    'https://sns.eu-central-1.amazonaws.com.evil.example/',
    'https://evil.example/?sns.eu-central-1.amazonaws.com',
    'https://sns.eu-central-1.amazonaws.com@evil.example/',
    'https://sns.eu-central-1.amazonaws.com:8443/',
    'https://127.0.0.1/',
    'https://s3.eu-central-1.amazonaws.com/',
    'nonsense',
    7,
  ])
    t.equal(url(evil), undefined, String(evil));
});

t.test('Mailgun', async (t) => {
  const of = (data: object) =>
    feedbackFrom('mailgun', {
      signature: {},
      'event-data': {
        recipient: 'ada@example.net',
        timestamp: SECONDS,
        message: { headers: { 'message-id': 'abc@example.com' } },
        ...data,
      },
    });
  t.match(of({ event: 'delivered' }), [{ event: 'delivered', messageId: 'abc@example.com', at: AT }]);
  t.match(
    of({
      event: 'failed',
      severity: 'permanent',
      'delivery-status': { code: 550, message: '5.1.1 unknown' },
    }),
    [{ event: 'bounced', diagnostic: '550 5.1.1 unknown' }],
  );
  t.match(of({ event: 'failed', severity: 'permanent', reason: 'suppress-bounce' }), [
    { bounceType: 'hard' },
  ]);
  t.match(of({ event: 'failed', severity: 'permanent', reason: 'suppress-complaint' }), [
    { event: 'complained' },
  ]);
  t.strictSame(of({ event: 'failed', severity: 'temporary' }), [], 'Mailgun tries again by itself');
  t.match(of({ event: 'complained' }), [{ event: 'complained' }]);
  t.match(of({ event: 'unsubscribed' }), [{ event: 'unsubscribed' }]);
  t.strictSame(of({ event: 'opened' }), []);
});

t.test('property: no body of any shape is an error', async (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...PROVIDERS), fc.jsonValue(), (provider, payload) =>
      Array.isArray(feedbackFrom(provider, payload)),
    ),
    { numRuns: 500 },
  );
  const words = [
    'RecordType',
    'Bounce',
    'Type',
    'event',
    'bounce',
    'event-data',
    'failed',
    'Message',
    'mail',
    'headers',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...PROVIDERS),
      fc.object({
        key: fc.constantFrom(...words),
        values: [fc.constantFrom(...words), fc.integer(), fc.constant(null)],
      }),
      (provider, payload) =>
        Array.isArray(feedbackFrom(provider, provider === 'sendgrid' ? [payload] : payload)),
    ),
  );
  t.pass();
});

t.test('relays that put their own Message-ID on mails are told ours in a header', async (t) => {
  t.strictSame(relayHeaders('smtp.postmarkapp.com', ID), { 'X-PM-Metadata-message': ID });
  t.strictSame(relayHeaders('email-smtp.eu-central-1.amazonaws.com', ID), {
    'X-SES-MESSAGE-TAGS': `message=${ID}`,
  });
  for (const host of ['smtp.example.com', 'postmarkapp.com.evil.example', 'notpostmarkapp.com', ''])
    t.strictSame(relayHeaders(host, ID), {}, host);
});
