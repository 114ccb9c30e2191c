import t from 'tap';
import type { CustomFieldDeclaration } from '../../../src/domain/custom-fields.ts';
import { printQuery } from '../../../src/domain/segments/print.ts';
import {
  checkUnused,
  lostFields,
  namesLabel,
  presetSegments,
  reachedFrom,
  readSegmentName,
  renameLabel,
  SLUG_PATTERN,
  slugFor,
  useBy,
} from '../../../src/domain/segments/segments.ts';
import { bindEnv, bound, parsed, savedSegments } from '../../support/segment-binding.ts';

t.test('a slug is made of the name, and is free', async (t) => {
  for (const [name, slug] of [
    ['VIP', 'vip'],
    ['Müller & Söhne, 2nd', 'muller-sohne-2nd'],
    ['  --  ', 'segment'],
    ['日本', 'segment'],
    ['a'.repeat(70), 'a'.repeat(63)],
    [`${'a'.repeat(62)} b`, 'a'.repeat(62)],
    [`${'a'.repeat(61)} b`, `${'a'.repeat(61)}-b`],
  ] as const) {
    t.equal(slugFor(name, new Set()), slug, name);
    t.match(slug, new RegExp(SLUG_PATTERN));
  }
  t.equal(slugFor('VIP', new Set(['vip'])), 'vip-2');
  t.equal(slugFor('VIP', new Set(['vip', 'vip-2', 'vip-3'])), 'vip-4');
  const long = 'a'.repeat(63);
  t.equal(slugFor(long, new Set([long])), `${'a'.repeat(61)}-2`);
  t.equal(
    slugFor(`${'a'.repeat(60)} bc`, new Set([`${'a'.repeat(60)}-bc`])),
    `${'a'.repeat(60)}-2`,
    'no hyphen before the hyphen',
  );
});

t.test('a slug is 1 to 63 of a–z, 0–9, - and _, and begins with none of the marks', async (t) => {
  const slug = new RegExp(SLUG_PATTERN);
  for (const text of ['a', '0', 'at-risk', 'a_b', 'a'.repeat(63)]) t.match(text, slug);
  for (const text of ['', '-a', '_a', 'A', 'a b', 'é', 'a\n', 'a'.repeat(64)]) t.notMatch(text, slug);
});

t.test('a name is one line of text', async (t) => {
  t.equal(readSegmentName('  Big \n spenders '), 'Big spenders');
  t.equal(readSegmentName(' '), undefined);
  t.equal(readSegmentName('x'.repeat(256)), undefined);
});

t.test('what names a segment keeps it', async (t) => {
  const use = useBy({ id: '1', name: 'VIP' });
  t.strictSame(use, { kind: 'segment', id: '1', name: 'VIP' });
  t.equal(checkUnused([]), undefined);
  t.strictSame(checkUnused([use]), { refused: 'SEGMENT_IN_USE', usedBy: [use] });
});

t.test('segments are reached over any number of others, rounds and gaps included', async (t) => {
  const saved = savedSegments({
    a: "in_segment('b') AND in_segment('c')",
    b: "in_segment('d') OR age > 5",
    c: "in_segment('gone')",
    d: "in_segment('b')",
    apart: "in_segment('a')",
  });
  const reached = (text: string) => [...reachedFrom(parsed(text), saved)].sort().join(' ');
  t.equal(reached("in_segment('a')"), 'a b c d');
  t.equal(reached("NOT in_segment('d') OR in_segment('c')"), 'b c d');
  t.equal(reached('age > 5'), '');
});

t.test('queries call tags and groups by name, without regard to case', async (t) => {
  for (const [text, table, key, expected] of [
    ["customer_tags CONTAINS 'VIP'", 'tags', 'vip', true],
    ["age > 5 OR NOT customer_tags CONTAINS ANY ('a', 'Vip')", 'tags', 'vip', true],
    ["customer_tags CONTAINS 'VIP'", 'tags', 'vi', false],
    ["customer_tags CONTAINS 'VIP'", 'groups', 'vip', false],
    ["customer_groups CONTAINS 'VIP'", 'groups', 'vip', true],
    ["customer_groups CONTAINS 'VIP'", 'tags', 'vip', false],
    ["in_group('VIP')", 'groups', 'vip', true],
    ["in_group('VIP')", 'tags', 'vip', false],
    ["in_segment('vip')", 'groups', 'vip', false],
    ["sample(10, 'vip')", 'groups', 'vip', false],
    ["company = 'vip'", 'tags', 'vip', false],
    ["customer_cities CONTAINS 'vip'", 'tags', 'vip', false],
    ["products_purchased MATCHES (tag = 'vip')", 'tags', 'vip', false],
    ['customer_tags IS NULL', 'tags', 'vip', false],
  ] as const)
    t.equal(namesLabel(parsed(text), table, key), expected, `${text} ${table}`);
});

t.test('a new name of a tag or group goes into every query that calls it', async (t) => {
  const rename = (text: string, table: 'tags' | 'groups', from: string, to: string) =>
    printQuery(renameLabel(parsed(text), table, { from, to }));
  for (const [text, table, after] of [
    ["customer_tags CONTAINS 'Old' AND age > 5", 'tags', "customer_tags CONTAINS 'New' AND age > 5"],
    [
      "customer_tags CONTAINS ANY ('a', 'OLD', 'New') OR products_purchased MATCHES (tag = 'old')",
      'tags',
      "customer_tags CONTAINS ANY ('a', 'New') OR products_purchased MATCHES (tag = 'old')",
    ],
    [
      "in_group('old') OR customer_groups CONTAINS NONE ('old', 'b') OR in_segment('old')",
      'groups',
      "in_group('New') OR customer_groups CONTAINS NONE ('New', 'b') OR in_segment('old')",
    ],
    [
      "in_group('old') AND customer_tags CONTAINS 'old'",
      'tags',
      "in_group('old') AND customer_tags CONTAINS 'New'",
    ],
    ["company = 'old'", 'tags', "company = 'old'"],
  ] as const)
    t.equal(rename(text, table, 'old', 'New'), after, text);
  const query = parsed("customer_tags CONTAINS 'a'");
  t.equal(
    renameLabel(query, 'tags', { from: 'b', to: 'c' }),
    query,
    'the same one where nothing is called so',
  );
  t.strictSame(
    renameLabel(parsed("in_group('old')"), 'groups', { from: 'old', to: "it's" }),
    parsed("in_group('it''s')"),
  );
});

t.test('custom fields that a query asks for cannot go, change their type or lose an option', async (t) => {
  const level: CustomFieldDeclaration = {
    key: 'level',
    label: 'Level',
    type: 'enum',
    options: ['Gold', 'silver'],
  };
  const size: CustomFieldDeclaration = { key: 'size', label: 'Size', type: 'number' };
  const before = [level, size];
  const lost = (text: string, after: readonly CustomFieldDeclaration[]) =>
    lostFields(parsed(text), before, after);
  const asked = "custom.level = 'GOLD' AND custom.size > 5";
  t.strictSame(lost(asked, before), []);
  t.strictSame(lost(asked, [size]), ['level']);
  t.strictSame(lost(asked, []), ['level', 'size']);
  t.strictSame(lost(asked, [level, { ...size, type: 'string' }]), ['size']);
  t.strictSame(lost(asked, [{ ...level, options: ['gold'] }, size]), [], 'without regard to case');
  t.strictSame(lost(asked, [{ ...level, options: ['silver'] }, size]), ['level']);
  t.strictSame(lost("custom.level IN ('gold', 'silver')", [{ ...level, options: ['gold'] }]), ['level']);
  t.strictSame(lost('custom.level IS NULL', [{ ...level, options: ['silver'] }]), []);
  t.strictSame(lost('custom.level IS NULL', []), ['level']);
  t.strictSame(lost('NOT (custom.size > 5 OR age > 5)', [level]), ['size']);
  t.strictSame(lost("age > 5 OR in_group('level') OR orders_placed MATCHES ()", []), []);
  t.strictSame(
    lost('custom.size > 5', [
      { ...level, label: 'Other' },
      { ...size, label: 'Other' },
    ]),
    [],
  );
});

t.test('a new store has segments that work', async (t) => {
  const presets = presetSegments({ currency: 'EUR', locale: 'en', defaultCountry: 'DE' });
  t.strictSame(
    presets.map(({ slug, query }) => `${slug}: ${query}`),
    [
      'vip: amount_spent >= 500',
      'frequent-buyers: number_of_orders >= 5',
      'new-customers: created_date >= -30d',
      'at-risk: number_of_orders > 0 AND last_order_date < -90d',
      'one-time-buyers: number_of_orders = 1',
      'never-bought: products_purchased NOT MATCHES ()',
      'birthday-this-month: birthday BETWEEN today AND +1m',
      "subscribed: email_consent = 'subscribed'",
      "country-de: customer_countries CONTAINS 'DE'",
    ],
  );
  for (const { slug, name, description, query } of presets) {
    t.match(slug, new RegExp(SLUG_PATTERN));
    t.match(name, /^[A-Z]/);
    t.match(description, /^[A-Z].+\.$/);
    t.equal(printQuery(parsed(query)), query);
    t.ok(bound(query, bindEnv()));
  }
  t.match(presets.at(-1), { name: 'Country: Germany', slug: 'country-de' });
});

t.test('currency, country and language of the store decide what is ready-made', async (t) => {
  const presets = (currency: string, locale: string, defaultCountry: string | null) => {
    const all = presetSegments({ currency, locale, defaultCountry });
    return `${all[0]?.query} ${all.at(-1)?.slug}`;
  };
  t.equal(presets('JPY', 'ja', null), 'amount_spent >= 50000 country-jp');
  t.equal(presets('KWD', 'de-AT', null), 'amount_spent >= 500 country-at');
  t.equal(presets('EUR', 'de', 'FR'), 'amount_spent >= 500 country-fr');
  t.equal(
    presets('EUR', 'eo', null).endsWith('subscribed') || presets('EUR', 'eo', null).includes('country-'),
    true,
  );
});
