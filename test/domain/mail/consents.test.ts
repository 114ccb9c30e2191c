// Rules of consent: what an event says, what many add up to, what goes along to a new address.
import fc from 'fast-check';
import t from 'tap';
import { readAddress, readStatement } from '../../../src/domain/mail/consent-statements.ts';
import {
  actionOf,
  CONSENT_SOURCES,
  CONSENT_STATES,
  type ConsentPoint,
  type ConsentState,
  carriedState,
  earnsPoints,
  importedAction,
  standingAfter,
  stateAfter,
} from '../../../src/domain/mail/consents.ts';

const now = new Date('2026-03-01T12:00:00Z');
const day = (n: number) => new Date(Date.UTC(2026, 0, n));
const point = (n: number, state: ConsentState, id = `${n}`): ConsentPoint => ({
  id,
  state,
  effectiveAt: day(n),
});

t.test(
  'a grant waits for confirmation only with double opt-in, by mail, from a place that proves nothing',
  (t) => {
    const form = {
      channel: 'email',
      source: 'newsletter_form',
      current: undefined,
      doubleOptIn: true,
    } as const;
    t.equal(stateAfter('grant', form), 'pending');
    t.equal(stateAfter('grant', { ...form, doubleOptIn: false }), 'granted');
    t.equal(stateAfter('grant', { ...form, channel: 'sms' }), 'granted', 'only mail can be confirmed');
    t.equal(stateAfter('grant', { ...form, current: 'pending' }), 'pending');
    t.equal(stateAfter('grant', { ...form, current: 'withdrawn' }), 'pending');
    t.equal(
      stateAfter('grant', { ...form, current: 'granted' }),
      'granted',
      'a form cannot take a subscription away',
    );
    for (const source of ['preference_centre', 'self_service', 'registration', 'confirmation_link'] as const)
      t.equal(stateAfter('grant', { ...form, source }), 'granted', source);
    t.end();
  },
);

t.test('confirm and import grant, withdraw always withdraws', (t) => {
  for (const source of CONSENT_SOURCES)
    for (const doubleOptIn of [true, false])
      for (const current of [undefined, ...CONSENT_STATES]) {
        const facts = { channel: 'email', source, current, doubleOptIn } as const;
        t.equal(stateAfter('confirm', facts), 'granted');
        t.equal(stateAfter('import', facts), 'granted');
        t.equal(stateAfter('withdraw', facts), 'withdrawn');
      }
  t.end();
});

t.test('the latest event counts; one that took effect earlier and is recorded late changes no state', (t) => {
  t.equal(standingAfter([]), undefined);
  t.equal(standingAfter([point(5, 'granted'), point(3, 'withdrawn', 'z')])?.state, 'granted');
  t.equal(
    standingAfter([point(5, 'granted', 'a'), point(5, 'withdrawn', 'b')])?.state,
    'withdrawn',
    'recorded later',
  );
  t.equal(standingAfter([point(5, 'granted', 'b'), point(5, 'withdrawn', 'a')])?.state, 'granted');
  t.end();
});

t.test(
  'since is when somebody agreed first, kept over confirmation and repeats, or when they withdrew',
  (t) => {
    const since = (...list: ConsentPoint[]) => standingAfter(list)?.since;
    t.same(since(point(1, 'pending'), point(2, 'granted'), point(3, 'granted')), day(1));
    t.same(since(point(1, 'granted'), point(2, 'withdrawn'), point(3, 'withdrawn')), day(2));
    t.same(since(point(1, 'granted'), point(2, 'withdrawn'), point(4, 'granted')), day(4));
    t.end();
  },
);

t.test('property: the order of recording does not matter', async () => {
  const events = fc.uniqueArray(
    fc.record({
      id: fc.uuid(),
      effectiveAt: fc.integer({ min: 1, max: 9 }).map(day),
      state: fc.constantFrom(...CONSENT_STATES),
    }),
    { selector: ({ id }) => id, minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(
      events.chain((list) =>
        fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
      ),
      ([list, shuffled]) => {
        const [one, other] = [standingAfter(list), standingAfter(shuffled)];
        return one?.state === other?.state && one?.since.getTime() === other?.since.getTime();
      },
    ),
  );
});

t.test('consent goes along to a new address: a withdrawal on either side wins', (t) => {
  const table: [ConsentState, ConsentState | undefined, ConsentState | undefined][] = [
    ['granted', undefined, 'granted'],
    ['pending', undefined, 'pending'],
    ['withdrawn', undefined, 'withdrawn'],
    ['granted', 'withdrawn', undefined],
    ['granted', 'pending', 'granted'],
    ['granted', 'granted', undefined],
    ['pending', 'granted', undefined],
    ['withdrawn', 'granted', 'withdrawn'],
    ['withdrawn', 'pending', 'withdrawn'],
  ];
  for (const [from, there, carried] of table)
    t.equal(carriedState(from, there), carried, `${from} to ${there}`);
  t.same(CONSENT_STATES.map(actionOf), ['grant', 'grant', 'withdraw']);
  t.end();
});

t.test('the marketing column of a file never beats a withdrawal, and twice is once', (t) => {
  t.equal(importedAction(true, undefined), 'import');
  t.equal(importedAction(true, 'pending'), 'import');
  t.equal(importedAction(true, 'granted'), undefined);
  t.equal(importedAction(true, 'withdrawn'), undefined);
  t.equal(importedAction(false, 'granted'), 'withdraw');
  t.equal(importedAction(false, 'pending'), 'withdraw');
  t.equal(importedAction(false, 'withdrawn'), undefined);
  t.equal(importedAction(false, undefined), undefined);
  t.end();
});

t.test(
  'who agrees to the newsletter earns points; who is imported, moved or entered by staff does not',
  (t) => {
    const earning = CONSENT_SOURCES.filter((source) =>
      earnsPoints({ channel: 'email', topic: 'newsletter', source }),
    );
    t.notOk(['import', 'address_change', 'staff'].some((source) => (earning as string[]).includes(source)));
    t.ok(earning.includes('newsletter_form') && earning.includes('confirmation_link'));
    t.notOk(earnsPoints({ channel: 'email', topic: 'offers', source: 'newsletter_form' }));
    t.notOk(earnsPoints({ channel: 'sms', topic: 'newsletter', source: 'newsletter_form' }));
    t.end();
  },
);

t.test('a statement tells all that is wrong with it at once', (t) => {
  const codes = (input: Parameters<typeof readStatement>[0]) => {
    const read = readStatement(input, now);
    return 'refused' in read ? read.errors.map(({ pointer, code }) => `${pointer} ${code}`) : [];
  };
  t.same(codes({ action: 'withdraw' }), [], 'everything');
  t.same(codes({ action: 'grant', topics: ['a'] }), []);
  t.same(codes({ action: 'grant' }), ['/topics TOPICS_MISSING']);
  t.same(codes({ action: 'grant', topics: ['a'], effectiveAt: '2026-03-01T12:00:01Z' }), [
    '/effectiveAt IN_FUTURE',
  ]);
  t.same(
    codes({ action: 'grant', topics: ['a'], effectiveAt: '2026-03-01T12:00:00Z' }),
    [],
    'now is not the future',
  );
  t.same(codes({ action: 'import', topics: ['a'], proof: '  ' }), [
    '/effectiveAt REQUIRED',
    '/proof REQUIRED',
  ]);
  const wording = { version: '1', text: 'Yes', locale: 'en' };
  t.same(codes({ action: 'grant', topics: ['a'], wording, wordingHash: 'ab'.repeat(32) }), [
    '/wordingHash AMBIGUOUS',
  ]);
  t.end();
});

t.test('consent is for an email or a phone, one of the two', (t) => {
  t.match(readAddress({}, null), { errors: [{ code: 'ADDRESS_REQUIRED' }] });
  t.match(readAddress({ email: 'a@b.co', phone: '+49 30 901820' }, null), {
    errors: [{ code: 'ADDRESS_REQUIRED' }],
  });
  t.same(readAddress({ email: ' A@B.co ' }, null), { channel: 'email', address: 'a@b.co', given: 'A@B.co' });
  t.match(readAddress({ email: 'a@b' }, null), { errors: [{ pointer: '/email' }] });
  t.match(readAddress({ phone: '030 901820' }, 'DE'), { channel: 'sms', address: '+4930901820' });
  t.match(readAddress({ phone: '030 901820' }, null), { errors: [{ pointer: '/phone' }] });
  t.end();
});
