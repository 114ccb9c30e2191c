import fc from 'fast-check';
import t from 'tap';
import {
  checkGroupDelete,
  checkPrimaryGroup,
  groupKey,
  PRESET_GROUPS,
  planMembership,
  readGroupName,
} from '../../src/domain/groups.ts';

t.test('group names are unique without case, and clean', async (t) => {
  t.equal(groupKey(' BUSINESS '), groupKey('business'));
  t.same(readGroupName('  Key   accounts '), { name: 'Key accounts' });
  for (const name of ['', ' ', 'x'.repeat(256), 'a\0'])
    t.same(readGroupName(name), { refused: 'GROUP_NAME_INVALID' });
  t.same([...PRESET_GROUPS], ['Standard', 'Business']);
});

t.test('the primary group is one of the groups, or none', async (t) => {
  t.equal(checkPrimaryGroup(null, []), undefined);
  t.equal(checkPrimaryGroup('a', ['b', 'a']), undefined);
  t.same(checkPrimaryGroup('c', ['a']), { refused: 'PRIMARY_GROUP_NOT_MEMBER', primaryGroupId: 'c' });
});

t.test('memberships: idempotent, and leaving the primary group leaves none', async (t) => {
  const current = { groupIds: ['a', 'b'], primaryGroupId: 'a' };
  const cases: [Parameters<typeof planMembership>[1], ReturnType<typeof planMembership>][] = [
    [{ add: ['b', 'c', 'c'] }, { added: ['c'], removed: [], unchanged: ['b'], primaryGroupId: 'a' }],
    [{ remove: ['a', 'x'] }, { added: [], removed: ['a'], unchanged: ['x'], primaryGroupId: null }],
    [{ remove: ['b'] }, { added: [], removed: ['b'], unchanged: [], primaryGroupId: 'a' }],
    [
      { add: ['a'], remove: ['a'] },
      { added: [], removed: [], unchanged: ['a'], primaryGroupId: 'a' },
    ],
  ];
  for (const [change, plan] of cases) t.same(planMembership(current, change), plan, JSON.stringify(change));
});

t.test('after any change of memberships the primary group is still a member', async () => {
  const ids = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'));
  fc.assert(
    fc.property(ids, ids, ids, fc.nat(4), (groupIds, add, remove, index) => {
      const plan = planMembership({ groupIds, primaryGroupId: groupIds[index] ?? null }, { add, remove });
      const after = [...groupIds.filter((id) => !plan.removed.includes(id)), ...plan.added];
      return checkPrimaryGroup(plan.primaryGroupId, after) === undefined;
    }),
  );
});

t.test('a group that something names is not deleted', async (t) => {
  const offer = { kind: 'offer' as const, id: '1', name: 'Summer' };
  t.same(checkGroupDelete([offer]), { refused: 'GROUP_IN_USE', usedBy: [offer] });
  t.equal(checkGroupDelete([]), undefined);
});
