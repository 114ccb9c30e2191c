import fc from 'fast-check';
import t from 'tap';
import {
  enhancedCode,
  MAX_ATTEMPTS,
  outcomeOf,
  responseLine,
  retryAt,
  type SmtpFailure,
} from '../../src/domain/mail/smtp-outcomes.ts';

const failure = (more: Partial<SmtpFailure>): SmtpFailure => ({
  phase: 'recipient',
  code: 0,
  text: '',
  isHandedOver: false,
  ...more,
});
const reasonOf = (phase: SmtpFailure['phase'], text: string): string => {
  const result = outcomeOf(failure({ phase, code: Number(text.slice(0, 3)), text }));
  return 'reason' in result ? `${result.outcome} ${result.reason}` : result.outcome;
};

t.test('M6 what each final and temporary answer means', async (t) => {
  const cases: [SmtpFailure['phase'], string, string][] = [
    ['connect', '421 4.3.2 shutting down', 'deferred busy'],
    ['connect', '554 5.7.1 we do not talk to you', 'deferred sender_refused'],
    ['login', '535 5.7.8 bad credentials', 'deferred sender_refused'],
    ['login', '454 4.7.0 later', 'deferred busy'],
    ['sender', '530 5.7.0 authentication required', 'deferred sender_refused'],
    ['sender', '550 5.7.60 not allowed to send as this sender', 'deferred sender_refused'],
    ['sender', '552 5.3.4 message too big', 'failed refused_content'],
    ['sender', '552 too big', 'failed refused_content'],
    ['recipient', '450 4.2.1 greylisted', 'deferred busy'],
    ['recipient', '550 5.1.1 no such user', 'failed refused_recipient'],
    ['recipient', '550-5.1.1 The email account\n550 5.1.1 does not exist', 'failed refused_recipient'],
    ['recipient', '550 no such user here', 'failed refused_recipient'],
    ['recipient', '550 blocked by our spam filter', 'failed refused'],
    ['recipient', '554 5.7.1 relay access denied', 'failed refused'],
    ['recipient', '550 5.2.1 mailbox disabled', 'failed refused_recipient'],
    ['recipient', '552 5.2.2 over quota', 'failed mailbox_full'],
    ['recipient', '552 over quota', 'failed mailbox_full'],
    ['recipient', '530 5.7.0 must issue STARTTLS', 'deferred sender_refused'],
    ['content', '452 4.3.1 out of space', 'deferred busy'],
    ['content', '552 5.3.4 too big', 'failed refused_content'],
    ['content', '554 5.7.1 spam', 'failed refused_content'],
    ['content', '550-5.7.26 unauthenticated sender', 'failed refused_sender'],
    ['content', '554 5.6.0 bad content', 'failed refused_content'],
    ['content', '550 5.1.1 unknown after all', 'failed refused_recipient'],
  ];
  for (const [phase, text, expected] of cases) t.equal(reasonOf(phase, text), expected, `${phase}: ${text}`);
});

t.test('M1 without an answer it counts whether the end of the mail may have left us', async (t) => {
  t.match(outcomeOf(failure({ phase: 'content', text: 'Timeout' })), {
    outcome: 'deferred',
    reason: 'unreachable',
    code: 0,
  });
  t.strictSame(outcomeOf(failure({ phase: 'content', text: 'Timeout', isHandedOver: true })), {
    outcome: 'unknown',
    code: 0,
    response: 'Timeout',
  });
  t.match(outcomeOf(failure({ phase: 'content', code: 250, isHandedOver: true })), { outcome: 'unknown' });
  t.match(outcomeOf(failure({ phase: 'content', code: 451, isHandedOver: true })), { outcome: 'deferred' });
  t.match(outcomeOf(failure({ phase: 'login', text: 'Missing credentials' })), { reason: 'sender_refused' });
});

t.test('what is kept of an answer is one line of at most 500 characters', async (t) => {
  t.equal(responseLine('550-one\r\n550 two\u0000\t three '), '550-one 550 two three');
  t.equal(responseLine('x'.repeat(600)).length, 500);
  t.equal(enhancedCode('550 5.1.10 x'), '5.1.10');
  t.equal(enhancedCode('552-5.2.2 x'), '5.2.2');
  t.equal(enhancedCode('550 host 10.5.1.1 says no'), undefined);
  t.equal(enhancedCode('250 5'), undefined);
});

t.test('M6 retries: pauses grow from 5 minutes to 6 hours, 8 attempts and 3 days at most', async (t) => {
  const now = new Date('2026-03-01T00:00:00Z');
  const minutes = (attempts: number, random = 0.5) =>
    ((retryAt({ attempts, firstTriedAt: now, now, random })?.getTime() ?? 0) - now.getTime()) / 60_000;
  t.strictSame(
    [1, 2, 3, 4, 5, 6, 7].map((attempts) => minutes(attempts)),
    [5, 15, 45, 135, 360, 360, 360],
  );
  t.equal(retryAt({ attempts: MAX_ATTEMPTS, firstTriedAt: now, now, random: 0.5 }), undefined);
  const late = new Date(now.getTime() + 70 * 3600_000);
  t.ok(retryAt({ attempts: 3, firstTriedAt: now, now: late, random: 0.5 }));
  t.equal(retryAt({ attempts: 5, firstTriedAt: now, now: late, random: 0.5 }), undefined);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 7 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (attempts, random) => {
        const pause = minutes(attempts, random);
        return pause >= 5 && pause <= 360;
      },
    ),
  );
  t.not(minutes(3, 0.1), minutes(3, 0.9), 'mails that failed together come back apart');
});
