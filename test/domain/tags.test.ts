import fc from 'fast-check';
import t from 'tap';
import {
  MAX_TAGS_PER_CUSTOMER,
  PRESET_TAGS,
  parseTags,
  planTags,
  tagKey,
  uniteTags,
} from '../../src/domain/tags.ts';

const tagText = fc.string({ unit: fc.constantFrom(...'aAbBcä ,\tİ'.split('')), maxLength: 8 });
const tagList = fc.array(tagText).map((texts) => {
  const tags = parseTags(texts);
  return Array.isArray(tags) ? tags : [];
});

t.test('T1 an array and a comma-separated string are read alike', async (t) => {
  const cases: [string | string[], string[]][] = [
    ['friend, family', ['friend', 'family']],
    [
      ['friend', 'family'],
      ['friend', 'family'],
    ],
    [
      ['friend, family', 'VIP'],
      ['friend', 'family', 'VIP'],
    ],
    ['  big \t\n spender ,,  , x', ['big spender', 'x']],
    ['VIP, vip, Vip', ['VIP']],
    [['Cafe\u0301', 'CAFÉ'], ['Café']],
    ['', []],
    [[], []],
    [' , ', []],
    ['x'.repeat(255), ['x'.repeat(255)]],
    ['😀'.repeat(255), ['😀'.repeat(255)]],
    ["'); drop table tags; --", ["'); drop table tags; --"]],
    ['__proto__, constructor', ['__proto__', 'constructor']],
  ];
  for (const [given, tags] of cases) t.same(parseTags(given), tags, JSON.stringify(given).slice(0, 40));
});

t.test('T1 a tag that is too long or unreadable is refused by name', async (t) => {
  const long = 'x'.repeat(256);
  t.same(parseTags(`ok,${long}`), { refused: 'TAG_INVALID', tag: long, reason: 'too_long' });
  t.same(parseTags(['a\0b']), { refused: 'TAG_INVALID', tag: 'a\0b', reason: 'unreadable' });
  t.match(parseTags(['\u200b']), { refused: 'TAG_INVALID', reason: 'unreadable' });
  t.match(parseTags(['\ud800']), { refused: 'TAG_INVALID', reason: 'unreadable' });
});

t.test('T1 parsing is idempotent, its tags have no comma and differ by key', async () => {
  fc.assert(
    fc.property(fc.oneof(tagText, fc.array(tagText), fc.string({ unit: 'grapheme' })), (given) => {
      const tags = parseTags(given);
      if (!Array.isArray(tags)) return true;
      const keys = new Set(tags.map(tagKey));
      const joined = parseTags(tags.join(','));
      return (
        keys.size === tags.length &&
        tags.every((tag) => tag.trim() === tag && tag !== '' && !tag.includes(',')) &&
        JSON.stringify(joined) === JSON.stringify(tags)
      );
    }),
  );
});

t.test('T2 tags are one without regard to case and width', async (t) => {
  t.equal(tagKey('VIP'), tagKey('vip'));
  t.equal(tagKey('ＶＩＰ'), tagKey('vip'));
  t.equal(tagKey('ÄRGER'), tagKey('ärger'));
  t.not(tagKey('arger'), tagKey('ärger'));
});

t.test('T3 set, add and remove say what they did', async (t) => {
  const current = ['VIP', 'friend'];
  const cases: [
    Parameters<typeof planTags>[1],
    { added: string[]; removed: string[]; unchanged: string[] },
  ][] = [
    [{ add: ['vip', 'New'] }, { added: ['New'], removed: [], unchanged: ['VIP'] }],
    [{ remove: ['FRIEND', 'absent'] }, { added: [], removed: ['friend'], unchanged: ['absent'] }],
    [{ set: ['vip', 'New'] }, { added: ['New'], removed: ['friend'], unchanged: ['VIP'] }],
    [{ set: [] }, { added: [], removed: ['VIP', 'friend'], unchanged: [] }],
    [
      { add: ['New'], remove: ['vip'] },
      { added: ['New'], removed: ['VIP'], unchanged: [] },
    ],
    [
      { add: ['VIP'], remove: ['VIP'] },
      { added: [], removed: [], unchanged: ['VIP'] },
    ],
    [{ add: ['A', 'a', 'B'] }, { added: ['A', 'B'], removed: [], unchanged: [] }],
    [{}, { added: [], removed: [], unchanged: [] }],
  ];
  for (const [change, plan] of cases) t.same(planTags(current, change), plan, JSON.stringify(change));
});

t.test('T2 at most 250 tags: what adds past the limit is refused, taking away never is', async (t) => {
  const full = Array.from({ length: MAX_TAGS_PER_CUSTOMER }, (_, index) => `tag ${index}`);
  t.same(planTags(full, { add: ['one more'] }), { refused: 'TOO_MANY_TAGS', limit: 250, would: 251 });
  t.match(planTags(full, { add: ['TAG 7'] }), { unchanged: ['tag 7'] });
  t.match(planTags(full, { add: ['one more'], remove: ['tag 0'] }), { added: ['one more'] });
  t.match(
    planTags([...full, 'x', 'y', 'z'], { remove: ['x'] }),
    { removed: ['x'] },
    'already over: less is allowed',
  );
  t.match(planTags([], { set: [...full, 'x'] }), { refused: 'TOO_MANY_TAGS', would: 251 });
  t.match(planTags(['a'], { add: ['b'] }, 1), { refused: 'TOO_MANY_TAGS', limit: 1, would: 2 });
});

t.test('T3 a second application of the same change does nothing', async () => {
  fc.assert(
    fc.property(tagList, tagList, tagList, fc.boolean(), (current, one, other, set) => {
      const change = set ? { set: one } : { add: one, remove: other };
      const plan = planTags(current, change);
      if ('refused' in plan) return false;
      const gone = new Set(plan.removed.map(tagKey));
      const after = [...current.filter((tag) => !gone.has(tagKey(tag))), ...plan.added];
      const again = planTags(after, change);
      return !('refused' in again) && again.added.length + again.removed.length === 0;
    }),
  );
});

t.test('C10 united tags are each there once, the first spelling wins', async (t) => {
  t.same(uniteTags(['VIP', 'a'], ['b', 'vip']), ['VIP', 'a', 'b']);
});

t.test('T4 the presets are tags themselves', async (t) => {
  t.same(parseTags([...PRESET_TAGS]), ['VIP', 'Wholesale', 'Influencer', 'High-value', 'At-risk']);
});
