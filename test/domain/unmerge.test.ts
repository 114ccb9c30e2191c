import fc from 'fast-check';
import t from 'tap';
import type { AccountStatus } from '../../src/domain/account-states.ts';
import {
  type MergeAddress,
  type MergeCustomer,
  type MovedRecord,
  planMerge,
} from '../../src/domain/merge.ts';
import { NO_ORDERS } from '../../src/domain/order-counters.ts';
import { checkUnmerge, planUnmerge, UNMERGE_DAYS } from '../../src/domain/unmerge.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const MERGED_AT = new Date('2026-01-01T12:00:00Z');

const customer = (id: string, more: Partial<MergeCustomer> = {}): MergeCustomer => ({
  ...NO_ORDERS,
  id,
  externalId: null,
  email: null,
  emailNorm: null,
  emailKey: null,
  acceptsMarketing: false,
  phone: null,
  firstName: null,
  lastName: id,
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
  ...more,
});
const address = (id: string, contentKey: string, isDefault = false): MergeAddress => ({
  id,
  contentKey,
  isDefault,
  isDefaultBilling: false,
  lastUsedAt: null,
  createdAt: new Date(0),
});

/** The survivor's row as the action writes it. */
function applyMerge(
  into: MergeCustomer,
  from: MergeCustomer,
): { survivor: MergeCustomer; moved: MovedRecord; left: MergeAddress[] } {
  const plan = planMerge({ into, from });
  const { moveIds, duplicateIds, defaultId, defaultBillingId } = plan.addresses;
  const addresses = [...into.addresses, ...from.addresses.filter(({ id }) => moveIds.includes(id))];
  const marked = addresses.map((item) => ({
    ...item,
    isDefault: item.id === defaultId,
    isDefaultBilling: item.id === defaultBillingId,
  }));
  const { fields, custom, accountStatus, tags, groupIds } = plan;
  return {
    survivor: { ...into, ...fields, custom, accountStatus, tags, groupIds, addresses: marked },
    // As it comes back from jsonb.
    moved: JSON.parse(JSON.stringify(plan.moved)),
    left: from.addresses.filter(({ id }) => duplicateIds.includes(id)),
  };
}

t.test(
  'C10 a merge can be taken back for 30 days, unless moved lots were spent or the survivor is gone',
  async (t) => {
    const merge = { mergedAt: MERGED_AT, intoStatus: 'active' as AccountStatus, spentLotsCount: 0 };
    const after = (days: number, ms = 0) => new Date(MERGED_AT.getTime() + days * DAY_MS + ms);
    t.equal(UNMERGE_DAYS, 30);
    t.equal(checkUnmerge(merge, after(0)), undefined);
    t.equal(checkUnmerge(merge, after(30)), undefined, 'the last moment');
    t.same(checkUnmerge(merge, after(30, 1)), {
      refused: 'UNMERGE_TOO_LATE',
      mergedAt: MERGED_AT,
      until: after(30),
    });
    t.same(checkUnmerge({ ...merge, spentLotsCount: 2 }, after(1)), {
      refused: 'UNMERGE_LOTS_SPENT',
      spentLotsCount: 2,
    });
    t.same(checkUnmerge({ ...merge, intoStatus: 'erased' }, after(1)), {
      refused: 'CUSTOMER_GONE',
      accountStatus: 'erased',
    });
  },
);

t.test(
  'C10 taking back restores fields, custom fields, tags, groups, addresses, account and origin',
  async (t) => {
    const into = customer('into', {
      source: 'newsletter',
      createdAt: new Date(5_000),
      tags: ['VIP'],
      groupIds: ['g1'],
      custom: { a: 1 },
      addresses: [address('i1', 'x', true)],
    });
    const from = customer('from', {
      email: 'A@b.co',
      emailNorm: 'a@b.co',
      emailKey: 'a@b.co',
      accountStatus: 'active',
      registeredAt: new Date(2_000),
      company: 'X',
      primaryGroupId: 'g2',
      tags: ['vip', 'new'],
      groupIds: ['g2'],
      custom: { a: 2, b: 3 },
      addresses: [address('f1', 'x'), address('f2', 'y', true)],
    });
    const { survivor, moved, left } = applyMerge(into, from);
    t.match(survivor, {
      company: 'X',
      accountStatus: 'active',
      primaryGroupId: 'g2',
      custom: { a: 1, b: 3 },
    });
    t.same(planUnmerge(moved, survivor, left), {
      fields: { email: null, emailNorm: null, emailKey: null, company: null, primaryGroupId: null },
      custom: { a: 1 },
      keptEdits: [],
      intoStatus: 'guest',
      fromAcceptsMarketing: false,
      fromStatus: 'active',
      source: 'newsletter',
      createdAt: new Date(5_000),
      registeredAt: null,
      removeTags: ['new'],
      removeGroupIds: ['g2'],
      addressIds: ['f2'],
      intoDefaults: { defaultId: 'i1', defaultBillingId: null },
      fromDefaults: { defaultId: 'f2', defaultBillingId: null },
    });
  },
);

t.test('C10 what was edited since the merge stays with the survivor', async (t) => {
  const from = customer('from', {
    company: 'X',
    phone: '+49',
    custom: { a: 1 },
    primaryGroupId: 'g2',
    groupIds: ['g2', 'g3'],
  });
  const { survivor, moved } = applyMerge(customer('into'), from);
  const edited = { ...survivor, company: 'Y', custom: { a: 2 }, primaryGroupId: 'g3' };
  const plan = planUnmerge(moved, edited);
  t.same(plan.fields, { phone: null });
  t.same(plan.keptEdits, ['company', 'primaryGroupId', 'custom.a']);
  t.same(plan.custom, { a: 2 });
  t.same(plan.removeGroupIds, ['g2'], 'the group that was made primary since stays');
});

t.test('C10 an account that came from the other side goes back in the state it has now', async (t) => {
  const active = {
    accountStatus: 'active' as const,
    email: 'a@b.co',
    emailNorm: 'a@b.co',
    emailKey: 'a@b.co',
  };
  const came = applyMerge(customer('into'), customer('from', active));
  t.match(planUnmerge(came.moved, { ...came.survivor, accountStatus: 'disabled' }), {
    intoStatus: 'guest',
    fromStatus: 'disabled',
  });
  const stayed = applyMerge(customer('into', active), customer('from'));
  t.match(planUnmerge(stayed.moved, { ...stayed.survivor, accountStatus: 'disabled' }), {
    intoStatus: 'disabled',
    fromStatus: 'guest',
  });
});

t.test(
  'A1 C10 addresses deleted since do not come back, and both sides have a default when they have addresses',
  async (t) => {
    const into = customer('into', { addresses: [address('i1', 'x', true)] });
    const from = customer('from', { addresses: [address('f1', 'y', true), address('f2', 'z')] });
    const { survivor, moved } = applyMerge(into, from);
    const rest = survivor.addresses
      .filter(({ id }) => id === 'f2')
      .map((item) => ({ ...item, isDefault: true }));
    t.match(planUnmerge(moved, { ...survivor, addresses: rest }), {
      addressIds: ['f2'],
      intoDefaults: { defaultId: null },
      fromDefaults: { defaultId: 'f2' },
    });
  },
);

t.test('C10 consent withdrawn since the merge comes back withdrawn with its address', async (t) => {
  const mail = { email: 'a@b.co', emailNorm: 'a@b.co', emailKey: 'a@b.co', acceptsMarketing: true };
  const { survivor, moved } = applyMerge(customer('into'), customer('from', mail));
  t.equal(planUnmerge(moved, survivor).fromAcceptsMarketing, true);
  t.equal(planUnmerge(moved, { ...survivor, acceptsMarketing: false }).fromAcceptsMarketing, false);
  const own = applyMerge(
    customer('into', { ...mail, email: 'c@d.co', emailNorm: 'c@d.co' }),
    customer('from', mail),
  );
  t.equal(
    planUnmerge(own.moved, { ...own.survivor, acceptsMarketing: false }).fromAcceptsMarketing,
    undefined,
  );
});

t.test('A1 C10 a default mark that the merge set goes back, one that was set since stays', async (t) => {
  const into = customer('into', { addresses: [address('i1', 'x', true), address('i2', 'z')] });
  const from = customer('from', { addresses: [{ ...address('f1', 'x', true), isDefaultBilling: true }] });
  const { survivor, moved, left } = applyMerge(into, from);
  t.equal(survivor.addresses[0]?.isDefaultBilling, true);
  t.match(planUnmerge(moved, survivor, left), {
    intoDefaults: { defaultId: 'i1', defaultBillingId: null },
    fromDefaults: { defaultId: 'f1', defaultBillingId: 'f1' },
  });
  const edited = survivor.addresses.map((item) => ({ ...item, isDefaultBilling: item.id === 'i2' }));
  t.match(planUnmerge(moved, { ...survivor, addresses: edited }, left), {
    intoDefaults: { defaultBillingId: 'i2' },
  });
});

t.test('C10 merge and un-merge at once is the identity for the survivor', async () => {
  const text = fc.constantFrom(null, 'a', 'b');
  const sides = fc.record({
    firstName: text,
    company: text,
    phone: text,
    birthdayMonth: fc.constantFrom(null, 1, 2),
    wholesale: fc.boolean(),
    accountStatus: fc.constantFrom<AccountStatus>('guest', 'invited', 'active', 'disabled'),
    tags: fc.uniqueArray(fc.constantFrom('a', 'B', 'c')),
    groupIds: fc.uniqueArray(fc.constantFrom('g1', 'g2')),
    custom: fc.dictionary(fc.constantFrom('a', 'b'), fc.integer()),
    createdAt: fc.nat(9).map((ms) => new Date(ms)),
  });
  fc.assert(
    fc.property(sides, sides, (left, right) => {
      const into = customer('into', left);
      const { survivor, moved, left: stayed } = applyMerge(into, customer('from', right));
      const plan = planUnmerge(moved, survivor, stayed);
      const back = {
        ...survivor,
        ...plan.fields,
        custom: plan.custom,
        accountStatus: plan.intoStatus,
        createdAt: plan.createdAt,
        tags: survivor.tags.filter((tag) => !plan.removeTags.includes(tag)),
        groupIds: survivor.groupIds.filter((id) => !plan.removeGroupIds.includes(id)),
      };
      const facts = (row: MergeCustomer) =>
        JSON.stringify({ ...row, custom: Object.entries(row.custom).sort() });
      return (
        facts(back) === facts(into) && plan.fromStatus === right.accountStatus && plan.keptEdits.length === 0
      );
    }),
  );
});
