import t from 'tap';
import { OPERATORS } from '../../../src/domain/segments/ast.ts';
import {
  AREAS,
  ATTRIBUTES,
  type Attribute,
  CONSENTS,
  catalogueOf,
  customName,
  operatorsOf,
  parameterOperators,
  type RowsAttribute,
  type Scalar,
  type ValueAttribute,
} from '../../../src/domain/segments/fields.ts';
import { printQuery } from '../../../src/domain/segments/print.ts';
import { bindEnv, bound, parsed } from '../../support/segment-binding.ts';
import { CUSTOM_FIELDS } from '../../support/segment-pools.ts';

const catalogue = catalogueOf(CUSTOM_FIELDS);
const everything = [...catalogue.values()];

function attribute(name: string): Attribute {
  const found = catalogue.get(name);
  if (!found) throw new Error(name);
  return found;
}

function compared(name: string): Exclude<Attribute, RowsAttribute> {
  const found = attribute(name);
  if (found.kind === 'rows') throw new Error(name);
  return found;
}

function single(name: string): ValueAttribute {
  const found = attribute(name);
  if (found.kind !== 'value') throw new Error(name);
  return found;
}

function rowsOf(name: string): RowsAttribute {
  const found = attribute(name);
  if (found.kind !== 'rows') throw new Error(name);
  return found;
}

t.test('every attribute has a name of its own, a label, a description and its version', async (t) => {
  t.equal(new Set(ATTRIBUTES.map(({ name }) => name)).size, ATTRIBUTES.length);
  t.equal(new Set(ATTRIBUTES.map(({ label }) => label)).size, ATTRIBUTES.length);
  for (const { name, label, description, since, area } of everything) {
    t.match(name, /^(custom\.)?[a-z][a-z0-9_]*$/);
    t.match(label, /^[A-Z0-9][\w ]*\w$/, name);
    t.match(description, /^[A-Z].{10,}\.$/, name);
    t.equal(since, '0.1.0', name);
    t.ok(AREAS.includes(area), name);
  }
});

t.test('attributes stand together by their areas, in their order', async (t) => {
  t.strictSame(
    [...new Set(ATTRIBUTES.map(({ area }) => area))],
    ['Profile', 'Address', 'Orders', 'Credit and loyalty', 'Consent and mail'],
  );
  const areas = ATTRIBUTES.map(({ area }) => AREAS.indexOf(area));
  t.strictSame(areas, areas.toSorted());
});

t.test('every example is canonical text, works and asks for its own attribute', async (t) => {
  for (const { name, example } of everything) {
    const query = parsed(example);
    t.equal(printQuery(query), example);
    const found = bound(example, bindEnv({ catalogue }));
    t.ok('attribute' in found && found.attribute.name === name, example);
  }
});

/** Every piece of SQL of the registry, by where it stands. */
function sqlOfRegistry(): Map<string, string> {
  const found = new Map<string, string>();
  const scalar = (where: string, { sql, shown }: Scalar) => {
    found.set(where, sql);
    if (shown !== undefined) found.set(`${where} shown`, shown);
  };
  for (const attribute of everything) {
    const { name } = attribute;
    if (attribute.kind === 'value') scalar(name, attribute);
    const rows = attribute.kind === 'value' ? attribute.of : attribute;
    if (rows) {
      found.set(`${name} from`, rows.from);
      found.set(`${name} customer`, rows.customer);
      for (const column of rows.stores) found.set(`${name} store ${column}`, column);
    }
    if (attribute.kind === 'value' && attribute.of) found.set(`${name} scope`, attribute.of.scope);
    if (attribute.kind === 'list') {
      attribute.values.forEach((sql, index) => void found.set(`${name} value ${index}`, sql));
      attribute.shown.forEach((sql, index) => void found.set(`${name} shown ${index}`, sql));
    }
    if (attribute.kind === 'rows') {
      found.set(`${name} scope`, attribute.scope);
      if (attribute.any !== undefined) found.set(`${name} any`, attribute.any);
      for (const [parameter, one] of Object.entries(attribute.parameters))
        scalar(`${name} ${parameter}`, one);
    }
  }
  return found;
}

t.test('SQL of the registry has no tokens but :store, :currency and :at, and no user text', async (t) => {
  for (const [where, sql] of sqlOfRegistry()) {
    t.ok(sql.length > 0, where);
    const tokens = sql.match(/(?<!:):\w+/g) ?? [];
    t.ok(
      tokens.every((token) => [':store', ':currency', ':at'].includes(token)),
      where,
    );
    t.notMatch(sql, /;|--|\/\*|\$\d|\?/, where);
    t.equal(sql.split('(').length, sql.split(')').length, where);
    t.equal(sql.split("'").length % 2, 1, where);
  }
});

t.test('every table that is joined is bound to the store and the customer', async (t) => {
  for (const attribute of everything) {
    if (attribute.kind === 'value') {
      const { sql } = attribute;
      if (/\bfrom\b/.test(sql)) t.match(sql, /store_id = :store/, attribute.name);
    }
    const rows = attribute.kind === 'value' ? attribute.of : attribute;
    if (!rows) continue;
    const { from, stores, customer } = rows;
    if (from.startsWith('(')) {
      // Each table below says itself whose it is; the customer comes out of each of them.
      const arms = from.split(' union all ');
      for (const arm of arms)
        t.match(arm, /select (\w+)\.customer_id, .* from \w+ \1 where \1\.store_id = :store and /);
      t.match(from, new RegExp(`\\) ${customer.replace('.customer_id', '')}$`), attribute.name);
      continue;
    }
    const bound = [...from.matchAll(/(\w+\.store_id) = :store/g)].map(([, column]) => column);
    const aliases = [...from.matchAll(/(?:^|join )\w+ (\w+)/g)].map(([, alias]) => `${alias}.store_id`);
    t.strictSame([...stores, ...bound].sort(), aliases.sort(), attribute.name);
    t.ok(
      aliases.some((column) =>
        ['customer_id', 'advocate_id', ...(from.startsWith('customers ') ? ['id'] : [])].some(
          (owner) => customer === column.replace('store_id', owner),
        ),
      ),
      attribute.name,
    );
  }
});

t.test('what each attribute is made of', async (t) => {
  const shapes = everything.map((attribute) => {
    if (attribute.kind === 'value') {
      const { name, type, always, words } = attribute;
      return [name, type, ...(always ? ['always'] : []), ...(words ? [words.join(' ')] : [])].join(' ');
    }
    if (attribute.kind === 'list') {
      const { name, dictionary, prefixes } = attribute;
      return [name, 'list', ...(dictionary ? [dictionary] : []), ...(prefixes ? ['prefixes'] : [])].join(' ');
    }
    return `${attribute.name} rows`;
  });
  t.strictSame(shapes, [
    'account_status word always guest invited active disabled',
    'has_account boolean always',
    'created_date date always',
    'registered_date date',
    'source word always first_order registration newsletter manual import api',
    'language text',
    'company text',
    'sales_agent text',
    'birthday yearly_date',
    'age age',
    'gender word female male other undisclosed',
    'email_domain text',
    'phone_country text',
    'wholesale boolean always',
    'customer_tags list tags',
    'customer_groups list groups',
    'customer_countries list',
    'customer_regions list',
    'customer_cities list',
    'postcodes list prefixes',
    'default_country text',
    'number_of_orders integer always',
    'amount_spent money always',
    'average_order_value money',
    'refunded_total money always',
    'first_order_date date',
    'last_order_date date',
    'days_since_last_order days_since',
    'orders_placed rows',
    'products_purchased rows',
    'credit_balance money always',
    'credit_next_expiry date',
    'points_balance integer always',
    'points_pending integer always',
    'points_lifetime integer always',
    'tier text',
    'tier_since date',
    'enrolled_date date',
    'referrals rows',
    'email_consent word always subscribed pending unsubscribed never not_subscribed',
    'sms_consent word always subscribed pending unsubscribed never not_subscribed',
    'email_topics list',
    'subscribed_date date',
    'suppressed boolean always',
    'email rows',
    'custom.nick text',
    'custom.shoe_size number',
    'custom.b2b boolean',
    'custom.since calendar_date',
    'custom.level word Gold silver',
  ]);
  t.strictSame(CONSENTS, ['subscribed', 'pending', 'unsubscribed', 'never', 'not_subscribed']);
});

t.test('functions: parameters, totals and what a row is called', async (t) => {
  const shape = (name: string) => {
    const { parameters, aggregates, noun } = rowsOf(name);
    for (const [key, { label, description }] of Object.entries({ ...parameters, ...aggregates })) {
      t.match(label, /^[A-Z][\w ]*$/, key);
      t.match(description, /^[A-Z].{8,}\.$/, key);
    }
    const list = Object.entries(parameters).map(([key, { type, always, many }]) =>
      [key, type, ...(always ? ['always'] : []), ...(many ? ['many'] : [])].join(' '),
    );
    const totals = Object.entries(aggregates).map(
      ([key, { type, of, label }]) => `${key} ${type} of ${of}: ${label}`,
    );
    return { noun, list, totals };
  };
  t.strictSame(shape('orders_placed'), {
    noun: ['order', 'orders'],
    list: [
      'date date always',
      'amount money',
      'status word always',
      'currency text always',
      'channel text',
      'payment_method text',
      'coupon text always many',
    ],
    totals: ['count integer of rows: Count', 'sum_amount money of amount: Sum'],
  });
  t.strictSame(shape('products_purchased'), {
    noun: ['order line', 'order lines'],
    list: [
      'product_id text',
      'sku text',
      'category text many',
      'tag text many',
      'date date always',
      'quantity integer',
      'amount money',
    ],
    totals: [
      'count integer of rows: Count',
      'sum_quantity integer of quantity: Pieces',
      'sum_amount money of amount: Sum',
    ],
  });
  t.strictSame(shape('email'), {
    noun: ['event of a mail', 'events of mails'],
    list: ['event word always', 'campaign_id text', 'date date always'],
    totals: ['count integer of rows: Count'],
  });
  const { event } = rowsOf('email').parameters;
  t.strictSame(event?.words, ['sent', 'delivered', 'clicked', 'bounced', 'complained', 'unsubscribed']);
});

t.test('how what people write is compared', async (t) => {
  const keys: readonly (readonly [name: string, text: string, key: string | undefined])[] = [
    ['language', 'DE-at', 'de-at'],
    ['language', 'DEÉ', 'deÉ'],
    ['company', 'Müller & SÖHNE', 'muller & sohne'],
    ['email_domain', 'EXAMPLE.com', 'example.com'],
    ['phone_country', 'de', 'DE'],
    ['phone_country', 'XX', undefined],
    ['default_country', 'gb', 'GB'],
    ['customer_tags', 'VIP', 'vip'],
    ['customer_groups', 'ÉTÉ', 'été'],
    ['customer_countries', 'at', 'AT'],
    ['customer_countries', '', undefined],
    ['customer_regions', 'de-by', 'DE-BY'],
    ['customer_regions', 'fr-2a1', 'FR-2A1'],
    ['customer_regions', 'DE-BYXY', 'de-byxy'],
    ['customer_regions', 'xde-by', 'xde-by'],
    ['customer_regions', 'DEU-BY', 'deu-by'],
    ['customer_regions', 'Île', 'ile'],
    ['customer_cities', 'Łódź', 'lodz'],
    ['postcodes', 'sw1A 1aa', 'SW1A1AA'],
  ];
  for (const [name, text, key] of keys) {
    const found = compared(name).key?.(text);
    t.equal(name === 'postcodes' ? found?.toUpperCase() : found, key, `${name} ${text}`);
  }
  const { channel, payment_method, coupon, currency } = rowsOf('orders_placed').parameters;
  for (const parameter of [channel, payment_method, coupon])
    t.equal(parameter?.key?.('É-ShopZA'), 'É-shopza');
  t.equal(currency?.key?.('usd'), 'USD');
  const { campaign_id } = rowsOf('email').parameters;
  t.equal(campaign_id?.key?.('0199A3C4-7E1F-7A60-9D39-6F1F3F1F9A11'), '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11');
  t.equal(campaign_id?.key?.('spring'), undefined);
  const { category, tag, product_id, sku } = rowsOf('products_purchased').parameters;
  for (const parameter of [category, tag]) t.equal(parameter?.key?.('HÜTE'), 'hüte');
  for (const parameter of [product_id, sku]) t.equal(parameter?.key, undefined, 'exactly');
  t.equal(compared('sales_agent').key, undefined);
  for (const name of ['phone_country', 'default_country', 'customer_countries'])
    t.equal(compared(name).takes, 'a country code (ISO 3166-1), such as DE');
});

t.test('where lists are found, and what people see of them', async (t) => {
  const lists = everything.flatMap((list) => (list.kind === 'list' ? [list] : []));
  t.strictSame(
    lists.map(({ name, values, shown }) => [name, values.join(', '), shown.join(', ')]),
    [
      [
        'customer_tags',
        'ct.tag_id',
        '(select d.name from tags d where d.store_id = :store and d.id = ct.tag_id)',
      ],
      [
        'customer_groups',
        'gm.group_id',
        '(select d.name from groups d where d.store_id = :store and d.id = gm.group_id)',
      ],
      ['customer_countries', 'a.country_code', 'a.country_code'],
      ['customer_regions', 'a.region_code, a.region_key', 'a.region_code, a.region'],
      ['customer_cities', 'a.city_key', 'a.city'],
      ['postcodes', 'a.postcode_key', 'a.postcode'],
      ['email_topics', 'k.topic', 'k.topic'],
    ],
  );
});

t.test('a word that follows from columns has a condition for each of its values', async (t) => {
  const derived = everything.flatMap((one) => (one.kind === 'value' && one.when ? [one] : []));
  t.strictSame(
    derived.map(({ name, words, when = {} }) => [name, words, Object.keys(when)]),
    [
      ['email_consent', CONSENTS, [...CONSENTS]],
      ['sms_consent', CONSENTS, [...CONSENTS]],
    ],
  );
  const { when } = derived[0] ?? {};
  t.equal(when?.subscribed, 'customers.accepts_marketing');
  t.equal(when?.not_subscribed, 'not customers.accepts_marketing', 'one look at a column, as it always was');
});

t.test('a word that stands for others stands for words that there are', async (t) => {
  const umbrellas = everything.flatMap((one) => (one.kind === 'value' && one.means ? [one] : []));
  for (const { words = [], means = {} } of umbrellas)
    for (const [word, meant] of Object.entries(means))
      t.ok([word, ...meant].every((one) => words.includes(one)));
  t.strictSame(
    umbrellas.map(({ name }) => name),
    ['email_consent', 'sms_consent'],
  );
});

t.test('SQL that depends on words or on what people see', async (t) => {
  const sql = sqlOfRegistry();
  for (const [where, expected] of [
    ['has_account', "customers.account_status in ('active', 'disabled')"],
    ['language', 'lower(customers.language collate "C")'],
    ['language shown', 'customers.language'],
    ['company shown', 'customers.company'],
    ['orders_placed coupon', 'array(select lower(code collate "C") from unnest(o.coupon_codes) code)'],
    ['orders_placed scope', 'not o.is_test'],
    ['orders_placed any', undefined],
    ['products_purchased any', 'customers.orders_count > 0'],
    [
      'products_purchased scope',
      "not o.is_test and o.status in ('confirmed', 'processing', 'shipped', 'delivered', 'completed')",
    ],
  ] as const)
    t.equal(sql.get(where), expected, where);
});

t.test('custom fields of each type', async (t) => {
  for (const [key, sql, example] of [
    [
      'nick',
      `case jsonb_typeof(customers.custom -> 'nick') when 'string' then (customers.custom ->> 'nick') collate "C" end`,
      "custom.nick = 'abc'",
    ],
    [
      'shoe_size',
      "case jsonb_typeof(customers.custom -> 'shoe_size') when 'number' then (customers.custom ->> 'shoe_size')::numeric end",
      'custom.shoe_size > 40',
    ],
    [
      'b2b',
      "case jsonb_typeof(customers.custom -> 'b2b') when 'boolean' then (customers.custom ->> 'b2b')::boolean end",
      'custom.b2b = true',
    ],
    [
      'since',
      `case jsonb_typeof(customers.custom -> 'since') when 'string' then (customers.custom ->> 'since') collate "C" end`,
      'custom.since < -1y',
    ],
    [
      'level',
      `case jsonb_typeof(customers.custom -> 'level') when 'string' then (customers.custom ->> 'level') collate "C" end`,
      'custom.level IS NOT NULL',
    ],
  ] as const) {
    const custom = single(customName(key));
    t.equal(custom.kind, 'value');
    t.equal(custom.area, 'Profile');
    t.equal(custom.sql, sql);
    t.equal(custom.example, example);
    t.equal(custom.description, `Custom field of the store: ${custom.label}.`);
    t.equal('words' in custom, key === 'level');
  }
  t.equal(customName('a'), 'custom.a');
  t.equal(catalogueOf([]).size, ATTRIBUTES.length);
  t.strictSame(
    [...catalogueOf([]).keys()],
    ATTRIBUTES.map(({ name }) => name),
  );
});

t.test('every type has its operators', async (t) => {
  const text = (ops: readonly (keyof typeof OPERATORS)[]) => ops.map((op) => OPERATORS[op].text).join(', ');
  const ordered = '=, !=, IN, NOT IN, <, <=, >, >=, BETWEEN, NOT BETWEEN';
  const missing = 'IS NULL, IS NOT NULL';
  const lists = 'CONTAINS, NOT CONTAINS, CONTAINS ANY, CONTAINS ALL, CONTAINS NONE';
  for (const [name, expected] of [
    ['number_of_orders', `${ordered}, ${missing}`],
    ['custom.shoe_size', `${ordered}, ${missing}`],
    ['amount_spent', `${ordered}, ${missing}`],
    ['created_date', `${ordered}, ${missing}`],
    ['custom.since', `${ordered}, ${missing}`],
    ['age', `${ordered}, ${missing}`],
    ['days_since_last_order', `${ordered}, ${missing}`],
    ['birthday', `=, !=, IN, NOT IN, BETWEEN, NOT BETWEEN, ${missing}`],
    ['wholesale', `=, !=, ${missing}`],
    ['source', `=, !=, IN, NOT IN, ${missing}`],
    ['company', `=, !=, IN, NOT IN, STARTS WITH, CONTAINS, NOT CONTAINS, ${missing}`],
    ['customer_tags', `${lists}, ${missing}`],
    ['postcodes', `${lists}, STARTS WITH, ${missing}`],
    ['orders_placed', ''],
  ] as const)
    t.equal(text(operatorsOf(attribute(name))), expected, name);
  t.equal(text(parameterOperators({ type: 'text' })), '=, !=, IN, NOT IN', 'no words beside parameters');
  t.equal(text(parameterOperators({ type: 'date' })), ordered);
});

t.test('what a person says of a value', async (t) => {
  const says = (name: string, shown: string) => single(name).says?.(shown);
  t.equal(says('number_of_orders', '0'), 'never ordered');
  t.equal(says('number_of_orders', '1'), 'ordered once');
  t.equal(says('number_of_orders', '2'), 'ordered 2 times');
  t.equal(says('age', '1'), 'is a year old');
  t.equal(says('age', '0'), 'is 0 years old');
  t.equal(says('days_since_last_order', '0'), 'last ordered today');
  t.equal(says('days_since_last_order', '1'), 'last ordered a day ago');
  t.equal(says('days_since_last_order', '2'), 'last ordered 2 days ago');
  t.equal(says('amount_spent', '1.00 EUR'), 'spent 1.00 EUR');
  t.equal(says('refunded_total', '1.00 EUR'), 'was refunded 1.00 EUR');
});
