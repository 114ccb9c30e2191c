// Bulk actions: which requests make sense, and what each action does to one customer.
import t from 'tap';
import {
  type BulkCustomer,
  type BulkRequest,
  checkBulkRequest,
  countOutcomes,
  planAccount,
  planDeletion,
  planFor,
  planGroupJoined,
  planGroupLeft,
  planSalesAgent,
  planSubscribed,
  planTagsAdded,
  planTagsRemoved,
  planUnsubscribed,
} from '../../src/domain/bulk.ts';
import { MAX_TAGS_PER_CUSTOMER } from '../../src/domain/tags.ts';

const GUEST: BulkCustomer = { id: 'c1', accountStatus: 'guest', salesAgentId: null, primaryGroupId: null };
const unchanged = { outcome: 'unchanged' };
const OFFERS = { channel: 'email', topic: 'offers' } as const;

t.test('a request has exactly one selection and exactly what its action needs', (t) => {
  const all = { all: true };
  const cases: [name: string, request: BulkRequest, pointers: string[]][] = [
    ['ids', { action: 'enable', ids: ['x'] }, []],
    ['filter', { action: 'disable', filter: { city: 'Ulm' } }, []],
    ['all', { action: 'delete', all: true }, []],
    ['tags', { action: 'addTags', tags: ['VIP'], ...all }, []],
    ['nobody looks after them', { action: 'setSalesAgent', salesAgentId: null, ...all }, []],
    ['no selection', { action: 'enable' }, ['']],
    ['two selections', { action: 'enable', ids: ['x'], ...all }, ['/ids', '/all']],
    ['all: false', { action: 'enable', all: false }, ['/all']],
    ['a filter that says nothing', { action: 'delete', filter: {} }, ['/filter']],
    ['tags missing', { action: 'removeTags', ...all }, ['/tags']],
    ['group missing', { action: 'addToGroup', ...all }, ['/groupId']],
    ['agent missing', { action: 'setSalesAgent', ...all }, ['/salesAgentId']],
    [
      'too much',
      { action: 'addTags', tags: ['a'], groupId: 'g', salesAgentId: null, ...all },
      ['/groupId', '/salesAgentId'],
    ],
    ['consent without words', { action: 'subscribeTopic', consent: OFFERS, ...all }, ['/consent/wording']],
    ['words by hash', { action: 'subscribeTopic', consent: { ...OFFERS, wordingHash: 'f' }, ...all }, []],
    ['withdrawals need no words', { action: 'unsubscribeTopic', consent: OFFERS, ...all }, []],
    ['consent missing', { action: 'unsubscribeTopic', ...all }, ['/consent']],
    ['tags for an account', { action: 'disable', tags: ['a'], ...all }, ['/tags']],
  ];
  for (const [name, request, pointers] of cases) {
    const refusal = checkBulkRequest(request);
    t.same(refusal?.errors.map(({ pointer }) => pointer) ?? [], pointers, name);
  }
  t.end();
});

t.test('nothing reaches a customer who is not there, merged or erased', (t) => {
  const rule = () => ({ outcome: 'unchanged' }) as const;
  t.same(planFor(undefined, rule), { outcome: 'refused:NOT_FOUND' });
  t.same(planFor({ ...GUEST, accountStatus: 'merged' }, rule), { outcome: 'refused:CUSTOMER_GONE' });
  t.same(planFor({ ...GUEST, accountStatus: 'erased' }, rule), { outcome: 'refused:CUSTOMER_GONE' });
  t.same(planFor(GUEST, rule), unchanged);
  t.end();
});

t.test('a list subscribes whom nobody asked, and never takes a withdrawal back', (t) => {
  const facts = { channel: 'email', hasAddress: true, current: undefined, after: 'granted' } as const;
  t.match(planSubscribed(GUEST, facts), { outcome: 'done' });
  t.match(planSubscribed(GUEST, { ...facts, current: 'pending' }), { outcome: 'done' });
  t.same(planSubscribed(GUEST, { ...facts, current: 'granted' }), unchanged);
  t.same(planSubscribed(GUEST, { ...facts, current: 'pending', after: 'pending' }), unchanged);
  t.same(planSubscribed(GUEST, { ...facts, current: 'withdrawn' }), { outcome: 'refused:CONSENT_WITHDRAWN' });
  t.same(planSubscribed(GUEST, { ...facts, hasAddress: false }), { outcome: 'refused:NO_EMAIL' });
  t.same(planSubscribed(GUEST, { ...facts, channel: 'sms', hasAddress: false }), {
    outcome: 'refused:NO_PHONE',
  });
  t.match(planUnsubscribed(GUEST, { ...facts, current: 'pending', after: 'withdrawn' }), { outcome: 'done' });
  t.same(planUnsubscribed(GUEST, { ...facts, current: 'withdrawn' }), unchanged);
  t.same(planUnsubscribed(GUEST, facts), unchanged);
  t.end();
});

t.test('T2 T3 adding tags changes what is missing, and the limit counts tags of all names', (t) => {
  t.match(planTagsAdded(GUEST, { carried: ['a'], total: 9 }, ['a', 'b']), {
    outcome: 'done',
    changed: { tagIds: ['b'] },
  });
  t.same(planTagsAdded(GUEST, { carried: ['a', 'b'], total: 9 }, ['a', 'b']), unchanged);
  const full = { carried: ['a'], total: MAX_TAGS_PER_CUSTOMER };
  t.same(planTagsAdded(GUEST, full, ['a', 'b']), { outcome: 'refused:TOO_MANY_TAGS' });
  t.same(planTagsAdded(GUEST, full, ['a']), unchanged, 'what is there already is no more');
  t.match(planTagsAdded(GUEST, { carried: [], total: MAX_TAGS_PER_CUSTOMER - 1 }, ['b']), {
    outcome: 'done',
  });
  t.same(planTagsAdded(GUEST, { carried: [], total: MAX_TAGS_PER_CUSTOMER - 1 }, ['b', 'c']), {
    outcome: 'refused:TOO_MANY_TAGS',
  });
  t.end();
});

t.test('T3 removing tags changes what is there', (t) => {
  t.match(planTagsRemoved(GUEST, { carried: ['a'], total: 2 }), {
    outcome: 'done',
    changed: { tagIds: ['a'] },
  });
  t.same(planTagsRemoved(GUEST, { carried: [], total: 2 }), unchanged);
  t.end();
});

t.test(
  'leaving the primary group leaves none, and an undo gives it back where nothing took its place',
  (t) => {
    const member = { ...GUEST, primaryGroupId: 'g' };
    const left = planGroupLeft(member, 'g', true);
    t.match(left, { after: { primaryGroupId: null }, changed: { groupId: 'g', wasPrimary: true } });
    t.match(planGroupLeft({ ...GUEST, primaryGroupId: 'h' }, 'g', true), {
      after: { primaryGroupId: 'h' },
      changed: { groupId: 'g' },
    });
    t.same(planGroupLeft(GUEST, 'g', false), unchanged);
    t.match(planGroupJoined(GUEST, 'g', false), { after: { primaryGroupId: null } });
    t.match(planGroupJoined(GUEST, 'g', false, true), { after: { primaryGroupId: 'g' } });
    t.match(planGroupJoined({ ...GUEST, primaryGroupId: 'h' }, 'g', false, true), {
      after: { primaryGroupId: 'h' },
    });
    t.same(planGroupJoined(GUEST, 'g', true), unchanged);
    t.end();
  },
);

t.test('C4 accounts: only active ones are disabled, only disabled ones enabled', (t) => {
  const outcomes = (command: 'enable' | 'disable') =>
    (['guest', 'invited', 'active', 'disabled'] as const).map(
      (accountStatus) => planAccount({ ...GUEST, accountStatus }, command).outcome,
    );
  t.same(outcomes('disable'), [
    'refused:ACCOUNT_NOT_ACTIVE',
    'refused:ACCOUNT_NOT_ACTIVE',
    'done',
    'unchanged',
  ]);
  t.same(outcomes('enable'), [
    'refused:ACCOUNT_STATE_CONFLICT',
    'refused:ACCOUNT_STATE_CONFLICT',
    'unchanged',
    'done',
  ]);
  t.end();
});

t.test('C6 a customer with any order is not deleted', (t) => {
  const nothing = {
    allOrdersCount: 0,
    creditAccountsCount: 0,
    pointsAccountsCount: 0,
    openHoldsCount: 0,
    ledgerEntriesCount: 0,
  };
  t.same(planDeletion(GUEST, { ...nothing, allOrdersCount: 1 }), { outcome: 'refused:CUSTOMER_HAS_ORDERS' });
  t.same(planDeletion(GUEST, { ...nothing, openHoldsCount: 1 }), {
    outcome: 'refused:CUSTOMER_HAS_OPEN_HOLDS',
  });
  t.match(planDeletion(GUEST, nothing), { outcome: 'done' });
  t.end();
});

t.test('a sales agent is set once', (t) => {
  t.match(planSalesAgent(GUEST, 'a'), {
    outcome: 'done',
    before: { salesAgentId: null },
    after: { salesAgentId: 'a' },
  });
  t.same(planSalesAgent({ ...GUEST, salesAgentId: 'a' }, 'a'), unchanged);
  t.same(planSalesAgent(GUEST, null), unchanged);
  t.end();
});

t.test('outcomes are counted', (t) => {
  t.same(countOutcomes(['done', 'done', 'refused:X']), { done: 2, 'refused:X': 1 });
  t.end();
});
