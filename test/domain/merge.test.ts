import fc from 'fast-check';
import t from 'tap';
import { ACCOUNT_STATUSES, type AccountStatus } from '../../src/domain/account-states.ts';
import {
  checkMerge,
  differingFields,
  MERGE_FIELDS,
  type MergeAddress,
  type MergeCustomer,
  planMerge,
} from '../../src/domain/merge.ts';
import { NO_ORDERS } from '../../src/domain/order-counters.ts';

const EMPTY: Omit<MergeCustomer, 'id'> = {
  ...NO_ORDERS,
  externalId: null,
  email: null,
  emailNorm: null,
  emailKey: null,
  acceptsMarketing: false,
  phone: null,
  firstName: null,
  lastName: null,
  company: null,
  salesAgentId: null,
  birthdayMonth: null,
  birthdayDay: null,
  birthdayYear: null,
  gender: null,
  language: null,
  timezone: null,
  wholesale: false,
  primaryGroupId: null,
  accountStatus: 'guest',
  source: 'manual',
  createdAt: new Date(1_000),
  registeredAt: null,
  custom: {},
  tags: [],
  groupIds: [],
  addresses: [],
};
const email = (address: string) => ({
  email: address,
  emailNorm: address.toLowerCase(),
  emailKey: address.toLowerCase(),
});
const into = (more: Partial<MergeCustomer> = {}): MergeCustomer => ({
  ...EMPTY,
  lastName: 'Into',
  id: 'into',
  ...more,
});
const from = (more: Partial<MergeCustomer> = {}): MergeCustomer => ({
  ...EMPTY,
  lastName: 'From',
  id: 'from',
  createdAt: new Date(2_000),
  ...more,
});
const address = (id: string, contentKey: string, more: Partial<MergeAddress> = {}): MergeAddress => ({
  id,
  contentKey,
  isDefault: false,
  isDefaultBilling: false,
  lastUsedAt: null,
  createdAt: new Date(0),
  ...more,
});
const codes = (plan: ReturnType<typeof planMerge>) => plan.blockers.map(({ code }) => code);

t.test('C10 the survivor keeps its values, gaps are filled, a choice decides', async (t) => {
  const left = into({ firstName: 'Ada', birthdayMonth: 2, birthdayDay: 29 });
  const right = from({
    firstName: 'Eva',
    company: 'X',
    birthdayMonth: 3,
    birthdayDay: 1,
    birthdayYear: 1990,
  });
  t.match(planMerge({ into: left, from: right }).fields, {
    firstName: 'Ada',
    lastName: 'Into',
    company: 'X',
    birthdayMonth: 2,
    birthdayDay: 29,
    birthdayYear: null,
  });
  const chosen = planMerge({
    into: left,
    from: right,
    choose: { firstName: 'from', company: 'into', birthday: 'from' },
  });
  t.match(chosen.fields, {
    firstName: 'Eva',
    company: null,
    birthdayMonth: 3,
    birthdayDay: 1,
    birthdayYear: 1990,
  });
  t.same(codes(chosen), []);
});

t.test('C10 every column of the contract survives from one side', async (t) => {
  const plan = planMerge({ into: into(), from: from() });
  t.equal(MERGE_FIELDS.length, 13);
  t.equal(Object.keys(plan.fields).length, 18);
});

t.test('C10 custom fields are merged key by key', async (t) => {
  const left = into({ custom: { a: 1, b: false } });
  const right = from({ custom: { a: 2, b: true, c: 'x' } });
  t.same(planMerge({ into: left, from: right }).custom, { a: 1, b: false, c: 'x' });
  t.same(planMerge({ into: left, from: right, choose: { 'custom.a': 'from', 'custom.c': 'into' } }).custom, {
    a: 2,
    b: false,
  });
});

t.test(
  'C10 the stronger account survives, its email with it; of two active ones the survivor stays',
  async (t) => {
    const cases: [AccountStatus, AccountStatus, AccountStatus, 'into' | 'from'][] = [
      ['guest', 'guest', 'guest', 'into'],
      ['guest', 'invited', 'invited', 'from'],
      ['guest', 'active', 'active', 'from'],
      ['invited', 'guest', 'invited', 'into'],
      ['invited', 'active', 'active', 'from'],
      ['active', 'active', 'active', 'into'],
      ['active', 'guest', 'active', 'into'],
      ['disabled', 'disabled', 'disabled', 'into'],
    ];
    for (const [left, right, accountStatus, accountFrom] of cases) {
      const plan = planMerge({
        into: into({ ...email('Into@example.com'), accountStatus: left }),
        from: from({ ...email('From@example.com'), accountStatus: right }),
      });
      t.match(plan, { accountStatus, accountFrom, blockers: [] }, `${left} + ${right}`);
      t.equal(plan.fields.emailNorm, `${accountFrom}@example.com`, 'the credential logs in by its email');
    }
  },
);

t.test('C10 the email can still be chosen, and its columns go together', async (t) => {
  const plan = planMerge({
    into: into({ ...email('Into@example.com') }),
    from: from({ ...email('From@example.com'), accountStatus: 'active' }),
    choose: { email: 'into' },
  });
  t.match(plan.fields, { ...email('Into@example.com') });
});

t.test('C10 blockers are all named, with the way out', async (t) => {
  const cases: [Parameters<typeof planMerge>[0], string[]][] = [
    [{ into: into(), from: into() }, ['SAME_CUSTOMER']],
    [{ into: into({ accountStatus: 'merged' }), from: from() }, ['ALREADY_MERGED']],
    [{ into: into(), from: from({ accountStatus: 'merged' }) }, ['ALREADY_MERGED']],
    [
      { into: into({ accountStatus: 'erased' }), from: from({ accountStatus: 'merged' }) },
      ['ALREADY_ERASED', 'ALREADY_MERGED'],
    ],
    [{ into: into(), from: from({ accountStatus: 'disabled' }) }, ['DISABLED_ACCOUNT_NEEDS_CHOICE']],
    [{ into: into({ accountStatus: 'disabled' }), from: from() }, ['DISABLED_ACCOUNT_NEEDS_CHOICE']],
    [{ into: into(), from: from({ accountStatus: 'disabled' }), choose: { accountStatus: 'from' } }, []],
    [{ into: into(), from: from({ accountStatus: 'disabled' }), choose: { accountStatus: 'into' } }, []],
    [{ into: into(), from: from({ accountStatus: 'active' }) }, ['NO_EMAIL']],
    [
      {
        into: into({ lastName: null, phone: '+49' }),
        from: from({ lastName: null }),
        choose: { phone: 'from' },
      },
      ['CUSTOMER_NEEDS_IDENTITY'],
    ],
    [
      {
        into: into(),
        from: from({ ...email('a@b.co'), accountStatus: 'active', wholesale: true }),
        choose: { wholesale: 'from', accountStatus: 'into' },
      },
      ['WHOLESALE_REQUIRES_ACCOUNT'],
    ],
    [
      {
        into: into(),
        from: from({ accountStatus: 'disabled', wholesale: true }),
        choose: { wholesale: 'from', accountStatus: 'from' },
      },
      [],
    ],
  ];
  for (const [input, blockers] of cases) {
    const plan = planMerge(input);
    t.same(codes(plan), blockers);
    t.ok(plan.blockers.every(({ wayOut }) => wayOut.length > 10));
    t.equal(checkMerge(plan)?.refused, blockers.length > 0 ? 'MERGE_BLOCKED' : undefined);
  }
});

t.test('C10 tags and groups are united; T2 more than 250 tags block', async (t) => {
  const plan = planMerge({
    into: into({ tags: ['VIP', 'a'], groupIds: ['g1'], primaryGroupId: null }),
    from: from({ tags: ['b', 'vip'], groupIds: ['g2', 'g1'], primaryGroupId: 'g2' }),
  });
  t.match(plan, { tags: ['VIP', 'a', 'b'], groupIds: ['g1', 'g2'], fields: { primaryGroupId: 'g2' } });
  t.match(plan.moved, { tagsAdded: ['b'], groupIdsAdded: ['g2'] });
  const many = (name: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${name} ${index}`);
  const full = planMerge({ into: into({ tags: many('a', 200) }), from: from({ tags: many('b', 51) }) });
  t.match(full.blockers, [{ code: 'TOO_MANY_TAGS', limit: 250, would: 251 }]);
  t.same(codes(planMerge({ into: into({ tags: many('a', 200) }), from: from({ tags: many('b', 50) }) })), []);
});

t.test("C10 addresses move, those that are there already do not, the survivor's default stays", async (t) => {
  const plan = planMerge({
    into: into({ addresses: [address('i1', 'x', { isDefault: true }), address('i2', 'y')] }),
    from: from({
      addresses: [
        address('f1', 'y', { isDefault: true, isDefaultBilling: true }),
        address('f2', 'z'),
        address('f3', 'z'),
      ],
    }),
  });
  t.same(plan.addresses, {
    moveIds: ['f2'],
    duplicateIds: ['f1', 'f3'],
    defaultId: 'i1',
    defaultBillingId: 'i2',
  });
});

t.test('A1 a survivor without addresses takes the default of the other', async (t) => {
  const coming = [address('f1', 'x', { lastUsedAt: new Date(9) }), address('f2', 'y', { isDefault: true })];
  t.match(planMerge({ into: into(), from: from({ addresses: coming }) }).addresses, { defaultId: 'f2' });
  t.match(planMerge({ into: into(), from: from() }).addresses, { defaultId: null, defaultBillingId: null });
});

t.test('C10 the older creation counts, with its source; C7 counters add up', async (t) => {
  const left = into({
    source: 'api',
    createdAt: new Date(5_000),
    registeredAt: new Date(6_000),
    ordersCount: 2,
    totalSpent: 3_000_000_000,
    refundedTotal: 1,
    firstOrderAt: new Date(10),
    lastOrderAt: new Date(20),
    lastOrderId: 'o1',
  });
  const right = from({
    source: 'import',
    ordersCount: 1,
    totalSpent: 2_000_000_000,
    refundedTotal: 2,
    firstOrderAt: new Date(5),
    lastOrderAt: new Date(30),
    lastOrderId: 'o2',
  });
  t.match(planMerge({ into: left, from: right }), {
    source: 'import',
    createdAt: new Date(2_000),
    registeredAt: new Date(6_000),
    counters: {
      ordersCount: 3,
      totalSpent: 5_000_000_000,
      refundedTotal: 3,
      firstOrderAt: new Date(5),
      lastOrderAt: new Date(30),
      lastOrderId: 'o2',
    },
  });
  t.same(planMerge({ into: left, from: from() }).counters, {
    ordersCount: 2,
    totalSpent: 3_000_000_000,
    refundedTotal: 1,
    firstOrderAt: new Date(10),
    lastOrderAt: new Date(20),
    lastOrderId: 'o1',
  });
});

t.test('C10 consent goes with the email that survives', async (t) => {
  const one = into({ ...email('a@b.co'), acceptsMarketing: true });
  const other = from({ ...email('c@d.co'), acceptsMarketing: false });
  t.equal(planMerge({ into: one, from: other }).fields.acceptsMarketing, true);
  t.equal(planMerge({ into: one, from: other, choose: { email: 'from' } }).fields.acceptsMarketing, false);
  t.equal(
    planMerge({ into: into(), from: { ...other, acceptsMarketing: true } }).fields.acceptsMarketing,
    true,
  );
});

t.test('C10 the fields that differ are those that both have', async (t) => {
  const one = into({ company: 'X', phone: '+49', birthdayMonth: 1, birthdayDay: 2 });
  const other = from({ company: 'Y', phone: null, birthdayMonth: 1, birthdayDay: 3 });
  t.same(differingFields(one, other), ['lastName', 'company', 'birthday']);
  t.same(differingFields(one, one), []);
});

t.test('C10 sums of money that cannot be kept stand in the way', async (t) => {
  const rich = { totalSpent: Number.MAX_SAFE_INTEGER };
  t.same(codes(planMerge({ into: into(rich), from: from({ totalSpent: 1 }) })), ['AMOUNT_TOO_LARGE']);
  t.same(codes(planMerge({ into: into(rich), from: from() })), []);
});

t.test('C10 what moved is plain JSON', async () => {
  const status = fc.constantFrom(...ACCOUNT_STATUSES);
  fc.assert(
    fc.property(
      status,
      status,
      fc.dictionary(fc.constantFrom('a', 'b'), fc.integer()),
      (left, right, custom) => {
        const { moved } = planMerge({
          into: into({ accountStatus: left }),
          from: from({ accountStatus: right, custom, ...email('a@b.co') }),
        });
        return JSON.stringify(JSON.parse(JSON.stringify(moved))) === JSON.stringify(moved);
      },
    ),
  );
});

t.test(
  'A1 C10 after any merge the survivor has one default exactly when it has addresses, and nobody is lost',
  async () => {
    const addresses = (prefix: string) =>
      fc
        .tuple(fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 4 }), fc.nat())
        .map(([keys, index]) =>
          keys.map((key, position) =>
            address(`${prefix}${position}`, key, { isDefault: position === index % keys.length }),
          ),
        );
    fc.assert(
      fc.property(addresses('i'), addresses('f'), (own, coming) => {
        const plan = planMerge({
          into: into({ addresses: own }),
          from: from({ addresses: coming }),
        }).addresses;
        const after = [...own.map(({ id }) => id), ...plan.moveIds];
        const keysAfter = new Set(
          [...own, ...coming].filter(({ id }) => after.includes(id)).map(({ contentKey }) => contentKey),
        );
        return (
          (plan.defaultId === null) === (after.length === 0) &&
          (plan.defaultId === null || after.includes(plan.defaultId)) &&
          coming.every(({ contentKey }) => keysAfter.has(contentKey)) &&
          plan.moveIds.length + plan.duplicateIds.length === coming.length
        );
      }),
    );
  },
);
