import fc from 'fast-check';
import t from 'tap';
import {
  activeFrom,
  type EarnedSoFar,
  type Earning,
  type EarningFacts,
  type EarningItem,
  type EarningOrder,
  type EarningRule,
  earnForEvent,
  earnForOrder,
  earningDay,
  LOYALTY_EVENTS,
  MAX_POINTS_PER_EARNING,
  type Multiplier,
  sourceOf,
} from '../../../src/domain/loyalty/earning.ts';
import { ORDER_STATUSES } from '../../../src/domain/orders.ts';
import { at, item } from '../../support/order-examples.ts';

const NOW = at('2026-11-22T10:00:00Z');
const PER_EURO: EarningRule = { id: 'purchase', kind: 'spend', points: 1, perAmount: 100 };
const PER_PIECE: EarningRule = { id: 'piece', kind: 'item', points: 5 };
const FACTS: EarningFacts = { currency: 'EUR', tier: null, segments: [], earned: new Map() };

/** An order whose total adds up. */
function order(changes: Partial<Omit<EarningOrder, 'total'>> = {}): EarningOrder {
  const parts = {
    status: 'confirmed' as const,
    isTest: false,
    currency: 'EUR',
    items: [item()],
    tax: 0,
    taxesIncluded: false,
    discount: 0,
    shipping: 0,
    creditPaid: 0,
    pointsPaid: 0,
    ...changes,
  };
  const goods = parts.items.reduce((sum, line) => sum + line.quantity * line.unitPrice - line.discount, 0);
  const tax = parts.taxesIncluded ? 0 : parts.tax;
  return { ...parts, total: goods + parts.shipping + tax - parts.discount };
}

const priced = (unitPrice: number, changes: Partial<EarningItem> = {}): EarningItem => ({
  ...item({ unitPrice }),
  ...changes,
});

function earned(
  rule: EarningRule,
  changes: Partial<Omit<EarningOrder, 'total'>> = {},
  facts: Partial<EarningFacts> = {},
): Earning | undefined {
  return earnForOrder([rule], order(changes), { ...FACTS, ...facts }, NOW)[0];
}

const pointsOf = (...input: Parameters<typeof earned>): number => earned(...input)?.points ?? 0;
const withMultipliers = (...multipliers: Multiplier[]): EarningRule => ({ ...PER_EURO, multipliers });
const soFar = (day: number, customer: number): ReadonlyMap<string, EarnedSoFar> =>
  new Map([['purchase', { day, customer }]]);

t.test('P1 an earning names rule, base, formula and lines', async (t) => {
  const items = [priced(12_345), priced(5_000, { isGiftCard: true }), priced(655)];
  t.strictSame(earned(PER_EURO, { items }), {
    ruleId: 'purchase',
    points: 130,
    base: 13_000,
    formula: 'floor(13000 × 1 / 100)',
    lines: [0, 2],
  });
});

t.test('P1 money is rounded down once, over the whole order', async (t) => {
  const items = Array.from({ length: 10 }, () => priced(199));
  t.equal(pointsOf(PER_EURO, { items }), 19);
  t.equal(pointsOf(PER_EURO, { items: [priced(99)] }), 0);
  t.equal(pointsOf({ ...PER_EURO, points: 3, perAmount: 1_000 }, { items: [priced(2_999)] }), 8);
});

t.test('P1 shipping, tax, gift cards and what credit or points paid for earn nothing', async (t) => {
  const cases: [what: string, Partial<Omit<EarningOrder, 'total'>>, base: number][] = [
    ['plain', {}, 1_000],
    ['shipping', { shipping: 590 }, 1_000],
    ['tax on top', { tax: 190 }, 1_000],
    [
      'tax inside, told by line',
      { items: [priced(1_190, { tax: 190 })], tax: 190, taxesIncluded: true },
      1_000,
    ],
    ['tax inside, told for the order', { items: [priced(1_190)], tax: 190, taxesIncluded: true }, 1_000],
    [
      'tax inside, a part of it in shipping',
      { items: [priced(1_190)], shipping: 1_190, tax: 380, taxesIncluded: true },
      1_000,
    ],
    ['a gift card', { items: [priced(1_000), priced(2_500, { isGiftCard: true })] }, 1_000],
    ['discount of the line', { items: [priced(1_000, { discount: 250 })] }, 750],
    ['discount of the order', { discount: 100 }, 900],
    [
      'discount, shared with a gift card',
      { items: [priced(1_000), priced(1_000, { isGiftCard: true })], discount: 101 },
      // The odd cent falls on either of them, but on the same one however they are sorted.
      949,
    ],
    ['discount beyond the goods', { shipping: 500, discount: 1_200 }, 0],
    ['paid with credit', { creditPaid: 300 }, 700],
    ['paid with points', { pointsPaid: 300 }, 700],
    ['paid with both, in part for shipping', { shipping: 1_000, creditPaid: 500, pointsPaid: 500 }, 500],
    ['all paid with credit', { shipping: 500, tax: 77, creditPaid: 1_577 }, 0],
    ['discounted by all', { discount: 1_000 }, 0],
  ];
  for (const [what, changes, base] of cases) {
    t.equal(earned({ ...PER_EURO, perAmount: 1 }, changes)?.base ?? 0, base, what);
  }
});

t.test('P1 only counted orders in the currency of the store earn', async (t) => {
  for (const status of ORDER_STATUSES) {
    const counts = status !== 'pending' && status !== 'cancelled';
    t.equal(pointsOf(PER_EURO, { status }), counts ? 10 : 0, status);
  }
  t.equal(pointsOf(PER_EURO, { isTest: true }), 0);
  t.equal(pointsOf(PER_EURO, { currency: 'USD' }), 0);
  t.equal(pointsOf(PER_PIECE, { currency: 'USD' }), 0);
});

t.test('P1 points per piece, for products, categories or tags', async (t) => {
  const items = [
    priced(100, { productId: 'a', quantity: 2 }),
    priced(100, { productId: 'b', categories: ['Garden'], quantity: 3 }),
    priced(100, { productId: null, tags: ['NEW'], quantity: 4 }),
    priced(0, { productId: 'a', quantity: 50 }),
    priced(100, { productId: 'a', quantity: 60, isGiftCard: true }),
  ];
  const cases: [Partial<EarningRule>, pieces: number, lines: number[]][] = [
    [{}, 9, [0, 1, 2]],
    [{ productIds: ['a'] }, 2, [0]],
    [{ categories: ['GARDEN'] }, 3, [1]],
    [{ tags: ['new'] }, 4, [2]],
    [{ productIds: ['a', 'b'], categories: ['garden'] }, 5, [0, 1]],
  ];
  for (const [filter, pieces, lines] of cases) {
    t.match(earned({ ...PER_PIECE, ...filter }, { items }), {
      points: 5 * pieces,
      base: pieces,
      formula: `floor(${pieces} × 5)`,
      lines,
    });
  }
  t.equal(earned({ ...PER_PIECE, tags: ['other'] }, { items }), undefined);
  t.equal(pointsOf(PER_PIECE, { creditPaid: 1_000 }), 0, 'paid with credit alone');
});

t.test('P1 the rate of the tier times the best campaign', async (t) => {
  const gold = { key: 'gold', multiplier: 1.5 };
  const tier = (factor: number): Multiplier => ({ kind: 'tier', key: 'gold', factor });
  const vip: Multiplier = { kind: 'segment', key: 'vip', factor: 2 };
  const weekend: Multiplier = {
    kind: 'time',
    from: '2026-11-21T00:00:00Z',
    until: '2026-11-23T00:00:00Z',
    factor: 3,
  };
  const cases: [Multiplier[], Partial<EarningFacts>, points: number, formula: string][] = [
    [[], { tier: gold }, 185, 'floor(12345 × 1.5 × 1 / 100)'],
    [[tier(2)], { tier: gold }, 246, 'floor(12345 × 2 × 1 / 100)'],
    [[tier(1.25)], { tier: gold }, 185, 'floor(12345 × 1.5 × 1 / 100)'],
    [[tier(2)], { tier: { key: 'silver', multiplier: 1 } }, 123, 'floor(12345 × 1 / 100)'],
    [[tier(2)], {}, 123, 'floor(12345 × 1 / 100)'],
    [[vip], {}, 123, 'floor(12345 × 1 / 100)'],
    [[vip], { segments: ['vip'] }, 246, 'floor(12345 × 2 × 1 / 100)'],
    [[vip, weekend], { segments: ['vip'] }, 370, 'floor(12345 × 3 × 1 / 100)'],
    [[vip, weekend], { tier: gold }, 555, 'floor(12345 × 3 × 1.5 × 1 / 100)'],
    [[{ ...vip, until: '2026-11-22T10:00:00Z' }], { segments: ['vip'] }, 123, 'floor(12345 × 1 / 100)'],
    [[{ ...vip, from: '2026-11-22T10:00:00Z' }], { segments: ['vip'] }, 246, 'floor(12345 × 2 × 1 / 100)'],
    [
      [{ ...vip, from: '2026-11-22T11:00:00+01:00' }],
      { segments: ['vip'] },
      246,
      'floor(12345 × 2 × 1 / 100)',
    ],
    [[{ ...vip, from: '2026-11-22T10:00:00.001Z' }], { segments: ['vip'] }, 123, 'floor(12345 × 1 / 100)'],
  ];
  for (const [multipliers, facts, points, formula] of cases) {
    const earning = earned(withMultipliers(...multipliers), { items: [priced(12_345)] }, facts);
    t.match(earning, { points, formula }, formula);
  }
});

t.test('P1 a category multiplies its own lines', async (t) => {
  const items = [priced(10_000), priced(2_345, { categories: ['Garden'] })];
  const rule = withMultipliers({ kind: 'category', key: 'garden', factor: 2 });
  t.match(earned(rule, { items }, { tier: { key: 'gold', multiplier: 1.5 } }), {
    points: 220,
    base: 12_345,
    formula: 'floor((10000 + 2345 × 2) × 1.5 × 1 / 100)',
  });
});

t.test('P1 the odd cent of a discount falls on the same product, however the lines are sorted', async (t) => {
  const rule = { ...withMultipliers({ kind: 'category', key: 'garden', factor: 2 }), perAmount: 1 };
  const items = [
    priced(1_000, { productId: 'b', categories: ['Garden'] }),
    priced(1_000, { productId: 'a' }),
  ];
  const points = [items, items.toReversed()].map((lines) => pointsOf(rule, { items: lines, discount: 1 }));
  t.strictSame(points, [2_999, 2_999]);
});

t.test('P1 the tightest cap cuts and is named', async (t) => {
  const items = [priced(100_000)];
  const cases: [Partial<EarningRule>, EarnedSoFar, points: number, cappedBy: string | undefined][] = [
    [{}, { day: 0, customer: 0 }, 1_000, undefined],
    [{ maxPerOrder: 1_000 }, { day: 0, customer: 0 }, 1_000, undefined],
    [{ maxPerOrder: 999 }, { day: 500, customer: 500 }, 999, 'order'],
    [{ maxPerOrder: 999, maxPerDay: 1_000 }, { day: 500, customer: 500 }, 500, 'day'],
    [{ maxPerDay: 1_000, maxPerCustomer: 2_000 }, { day: 500, customer: 1_700 }, 300, 'customer'],
    [{ maxPerCustomer: 2_000 }, { day: 0, customer: 1_000 }, 1_000, undefined],
  ];
  for (const [caps, { day, customer }, points, cappedBy] of cases) {
    const earning = earned({ ...PER_EURO, ...caps }, { items }, { earned: soFar(day, customer) });
    t.equal(earning?.points, points);
    t.equal(earning?.cappedBy, cappedBy);
    const formula = 'floor(100000 × 1 / 100)';
    t.equal(earning?.formula, cappedBy ? `min(${points}, ${formula})` : formula);
  }
  for (const used of [2_000, 2_500]) {
    const facts = { earned: soFar(0, used) };
    t.equal(earned({ ...PER_EURO, maxPerCustomer: 2_000 }, { items }, facts), undefined, `${used} used`);
  }
  const huge = { items: [priced(9_000_000_000_000_000)] };
  t.match(earned({ ...PER_EURO, points: 1_000_000, perAmount: 1 }, huge), {
    points: MAX_POINTS_PER_EARNING,
    cappedBy: 'limit',
  });
});

t.test('P1 events earn fixed points, for their own side of a referral', async (t) => {
  const rules: EarningRule[] = [
    PER_EURO,
    PER_PIECE,
    { id: 'welcome', kind: 'event', event: 'sign_up', points: 50, maxPerCustomer: 50 },
    { id: 'advocate', kind: 'event', event: 'referral', side: 'advocate', points: 500 },
    { id: 'friend', kind: 'event', event: 'referral', side: 'friend', points: 200 },
    {
      id: 'birthday',
      kind: 'event',
      event: 'birthday',
      points: 25,
      multipliers: [{ kind: 'tier', key: 'gold', factor: 1.5 }],
    },
  ];
  const earn = (event: Omit<Parameters<typeof earnForEvent>[1], 'at'>, facts: Partial<EarningFacts> = {}) =>
    earnForEvent(rules, { ...event, at: NOW }, { ...FACTS, ...facts });
  t.strictSame(earn({ kind: 'sign_up' }), [
    { ruleId: 'welcome', points: 50, base: 1, formula: 'floor(1 × 50)', lines: [] },
  ]);
  t.match(earn({ kind: 'referral', side: 'advocate' }), [{ ruleId: 'advocate', points: 500 }]);
  t.match(earn({ kind: 'referral', side: 'friend' }), [{ ruleId: 'friend', points: 200 }]);
  t.match(earn({ kind: 'birthday' }, { tier: { key: 'gold', multiplier: 2 } }), [
    { ruleId: 'birthday', points: 37, formula: 'floor(1 × 1.5 × 25)' },
  ]);
  t.match(earn({ kind: 'sign_up' }, { tier: { key: 'gold', multiplier: 2 } }), [{ points: 50 }]);
  t.strictSame(earn({ kind: 'review' }), []);
  const again = new Map([['welcome', { day: 0, customer: 50 }]]);
  t.strictSame(earn({ kind: 'sign_up' }, { earned: again }), []);
});

t.test('P2 no two pairs of rule and source have one key', async (t) => {
  t.equal(sourceOf('purchase', { kind: 'order', id: 'o1' }), 'purchase:order:o1');
  const ruleId = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,5}$/);
  const source = fc.record({ kind: fc.constantFrom('order' as const, ...LOYALTY_EVENTS), id: fc.string() });
  fc.assert(
    fc.property(ruleId, source, ruleId, source, (rule, one, otherRule, other) => {
      const same = rule === otherRule && one.kind === other.kind && one.id === other.id;
      return (sourceOf(rule, one) === sourceOf(otherRule, other)) === same;
    }),
  );
});

const line: fc.Arbitrary<EarningItem> = fc
  .record({
    productId: fc.constantFrom('a', 'b', null),
    categories: fc.subarray(['Garden', 'Tools']),
    quantity: fc.integer({ min: 1, max: 5 }),
    // Equal prices leave equal remainders, of which one gets the odd cent.
    unitPrice: fc.oneof(fc.integer({ min: 0, max: 50_000 }), fc.constantFrom(100, 1_000)),
    off: fc.constantFrom(0, 0, 10, 33, 100),
    taxPercent: fc.constantFrom(0, 7, 19),
    isGiftCard: fc.boolean(),
  })
  .map(({ off, taxPercent, ...fields }) => {
    const gross = fields.quantity * fields.unitPrice;
    const discount = Math.floor((gross * off) / 100);
    const tax = Math.floor(((gross - discount) * taxPercent) / (100 + taxPercent));
    return { ...item(), ...fields, discount, tax };
  });

const anyOrder: fc.Arbitrary<EarningOrder> = fc
  .record({
    items: fc.array(line, { minLength: 1, maxLength: 6 }),
    tellsLineTax: fc.boolean(),
    taxesIncluded: fc.boolean(),
    shipping: fc.nat({ max: 2_000 }),
    discountPercent: fc.nat({ max: 100 }),
    creditPercent: fc.nat({ max: 50 }),
    pointsPercent: fc.nat({ max: 50 }),
  })
  .map(({ items, tellsLineTax, taxesIncluded, shipping, discountPercent, creditPercent, pointsPercent }) => {
    const tax = items.reduce((sum, { tax }) => sum + tax, 0) + Math.floor(shipping / 10);
    const lines = tellsLineTax ? items : items.map((one) => ({ ...one, tax: 0 }));
    const full = order({ items: lines, taxesIncluded, shipping, tax });
    const discount = Math.floor((full.total * discountPercent) / 100);
    const total = full.total - discount;
    const creditPaid = Math.floor((total * creditPercent) / 100);
    const pointsPaid = Math.floor((total * pointsPercent) / 100);
    return { ...full, discount, total, creditPaid, pointsPaid };
  });

const factor = fc.integer({ min: 100, max: 500 }).map((hundredths) => hundredths / 100);
const multiplier: fc.Arbitrary<Multiplier> = fc.oneof(
  fc.record({ kind: fc.constant('tier' as const), key: fc.constantFrom('gold', 'silver'), factor }),
  fc.record({ kind: fc.constant('segment' as const), key: fc.constantFrom('vip', 'new'), factor }),
  fc.record({ kind: fc.constant('category' as const), key: fc.constantFrom('garden', 'tools'), factor }),
  fc.record({ kind: fc.constant('time' as const), from: fc.constant('2026-01-01T00:00:00Z'), factor }),
);
const anyRule: fc.Arbitrary<EarningRule> = fc
  .record({
    perAmount: fc.option(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 1_000 })), { nil: undefined }),
    points: fc.integer({ min: 1, max: 20 }),
    multipliers: fc.array(multiplier, { maxLength: 4 }),
  })
  .map(({ perAmount, ...rule }) =>
    perAmount === undefined
      ? { ...rule, id: 'purchase', kind: 'item' }
      : { ...rule, id: 'purchase', kind: 'spend', perAmount },
  );
const anyFacts: fc.Arbitrary<EarningFacts> = fc
  .record({
    tier: fc.option(fc.record({ key: fc.constantFrom('gold', 'silver'), multiplier: factor })),
    segments: fc.subarray(['vip', 'new']),
  })
  .map((facts) => ({ ...FACTS, ...facts }));

t.test('P1 points do not depend on the sequence of the lines', async () => {
  fc.assert(
    fc.property(anyOrder, anyRule, anyFacts, fc.infiniteStream(fc.nat()), (order, rule, facts, chance) => {
      const shuffled = order.items
        .map((one) => ({ one, place: chance.next().value }))
        .sort((a, b) => a.place - b.place)
        .map(({ one }) => one);
      const [there] = earnForOrder([rule], order, facts, NOW);
      const [here] = earnForOrder([rule], { ...order, items: shuffled }, facts, NOW);
      return there?.points === here?.points && there?.formula === here?.formula;
    }),
    { numRuns: 1_000 },
  );
});

t.test('P1 the base is whole, at most what was paid in money, and 0 when nothing was', async () => {
  const perCent: EarningRule = { ...PER_EURO, perAmount: 1 };
  fc.assert(
    fc.property(anyOrder, (order) => {
      const base = earnForOrder([perCent], order, FACTS, NOW)[0]?.base ?? 0;
      const paid = order.total - order.creditPaid - order.pointsPaid;
      const byCredit = { ...order, creditPaid: order.total, pointsPaid: 0 };
      return (
        Number.isSafeInteger(base) &&
        base >= 0 &&
        base <= paid &&
        earnForOrder([perCent], byCredit, FACTS, NOW).length === 0
      );
    }),
    { numRuns: 1_000 },
  );
});

t.test('P1 without gift cards, tax and shipping nothing of the order gets lost', async () => {
  fc.assert(
    fc.property(anyOrder, (given) => {
      const items = given.items.map((one) => ({ ...one, isGiftCard: false, tax: 0 }));
      const goods = order({ items });
      const discount = Math.min(given.discount, goods.total);
      const total = goods.total - discount;
      const creditPaid = Math.min(given.creditPaid, total);
      const [earning] = earnForOrder(
        [{ ...PER_EURO, perAmount: 1 }],
        { ...goods, discount, total, creditPaid },
        FACTS,
        NOW,
      );
      return (earning?.base ?? 0) === total - creditPaid;
    }),
  );
});

t.test('P1 the formula evaluates to the points, exactly', async () => {
  const cap = fc.option(fc.integer({ min: 1, max: 2_000 }), { nil: undefined });
  fc.assert(
    fc.property(anyOrder, anyRule, anyFacts, cap, (order, rule, facts, maxPerOrder) => {
      const capped = maxPerOrder === undefined ? rule : { ...rule, maxPerOrder };
      const [earning] = earnForOrder([capped], order, facts, NOW);
      return earning === undefined || evaluated(earning.formula) === earning.points;
    }),
    { numRuns: 1_000 },
  );
});

t.test('P1 no sequence of orders exceeds a cap, and a replay earns the same', async () => {
  const cap = fc.option(fc.integer({ min: 1, max: 3_000 }), { nil: undefined });
  const orders = fc.array(fc.record({ order: anyOrder, newDay: fc.boolean() }), { maxLength: 10 });
  const caps = fc.record({ maxPerOrder: cap, maxPerDay: cap, maxPerCustomer: cap });
  fc.assert(
    fc.property(orders, anyRule, anyFacts, caps, (orders, base, facts, caps) => {
      const given = Object.entries(caps).filter(([, most]) => most !== undefined);
      const rule: EarningRule = { ...base, ...Object.fromEntries(given) };
      let [day, customer] = [0, 0];
      for (const { order, newDay } of orders) {
        if (newDay) day = 0;
        const known = { ...facts, earned: soFar(day, customer) };
        const first = earnForOrder([rule], order, known, NOW);
        if (JSON.stringify(first) !== JSON.stringify(earnForOrder([rule], order, known, NOW))) return false;
        const points = first[0]?.points ?? 0;
        if (points > (rule.maxPerOrder ?? points)) return false;
        day += points;
        customer += points;
        if (day > (rule.maxPerDay ?? day) || customer > (rule.maxPerCustomer ?? customer)) return false;
      }
      return true;
    }),
  );
});

t.test('P1 more money never earns less', async () => {
  fc.assert(
    fc.property(fc.nat({ max: 1_000_000 }), fc.nat({ max: 1_000 }), anyFacts, (amount, more, facts) => {
      const points = (unitPrice: number) =>
        earnForOrder([PER_EURO], order({ items: [priced(unitPrice)] }), facts, NOW)[0]?.points ?? 0;
      return points(amount) <= points(amount + more);
    }),
  );
});

t.test('P1 a day of caps is a day of the store', async (t) => {
  const cases: [at: string, timezone: string, from: string, until: string][] = [
    ['2026-11-22T23:30:00Z', 'Europe/Berlin', '2026-11-22T23:00:00.000Z', '2026-11-23T23:00:00.000Z'],
    ['2026-03-29T10:00:00Z', 'Europe/Berlin', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    ['2026-10-25T10:00:00Z', 'Europe/Berlin', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
    ['2018-11-04T12:00:00Z', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z', '2018-11-05T02:00:00.000Z'],
    ['2011-12-30T09:00:00Z', 'Pacific/Apia', '2011-12-29T10:00:00.000Z', '2011-12-30T10:00:00.000Z'],
    ['2011-12-30T11:00:00Z', 'Pacific/Apia', '2011-12-30T10:00:00.000Z', '2011-12-31T10:00:00.000Z'],
  ];
  for (const [instant, timezone, from, until] of cases) {
    const day = earningDay(at(instant), timezone);
    t.strictSame([day.from.toISOString(), day.until.toISOString()], [from, until], `${instant} ${timezone}`);
  }
});

t.test('P3 points wait whole local days after the order, or for the delivery', async (t) => {
  const cases: [placed: string, days: number, timezone: string, active: string][] = [
    ['2026-01-01T10:00:00.250Z', 0, 'Europe/Berlin', '2026-01-01T10:00:00.250Z'],
    ['2026-01-01T10:00:00.250Z', 14, 'Europe/Berlin', '2026-01-15T10:00:00.250Z'],
    // The clocks change in between: the time on the wall stays.
    ['2026-03-20T10:00:00Z', 14, 'Europe/Berlin', '2026-04-03T09:00:00.000Z'],
    ['2026-10-20T10:00:00Z', 14, 'Europe/Berlin', '2026-11-03T11:00:00.000Z'],
    ['2026-03-28T01:30:00Z', 1, 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
    ['2018-11-03T03:30:00Z', 1, 'America/Sao_Paulo', '2018-11-04T03:30:00.000Z'],
    ['2011-12-16T20:00:00Z', 14, 'Pacific/Apia', '2011-12-30T20:00:00.000Z'],
    ['2024-02-15T10:00:00Z', 14, 'UTC', '2024-02-29T10:00:00.000Z'],
  ];
  for (const [placed, days, timezone, active] of cases) {
    const order = { placedAt: at(placed), deliveredAt: null };
    const from = activeFrom({ basis: 'order', days }, order, timezone);
    t.equal(from?.toISOString(), active, `${placed} + ${days} ${timezone}`);
  }
  const delivery = { basis: 'delivery', days: 7 } as const;
  const placedAt = at('2026-01-01T10:00:00Z');
  t.equal(activeFrom(delivery, { placedAt, deliveredAt: null }, 'UTC'), null);
  const deliveredAt = at('2026-01-05T15:00:00Z');
  t.same(activeFrom(delivery, { placedAt, deliveredAt }, 'UTC'), at('2026-01-12T15:00:00Z'));
  t.same(activeFrom({ basis: 'delivery', days: 0 }, { placedAt, deliveredAt }, 'UTC'), deliveredAt);
});

/** `min(50, floor((10 + 2 × 1.5) × 3 / 7))` in whole numbers: factors in hundredths, one rounding down. */
function evaluated(formula: string): number {
  const [, most, inner = ''] = /^(?:min\((\d+), )?floor\((.*?)\)\)?$/.exec(formula) ?? [];
  const [product = '', per = '1'] = inner.split(' / ');
  const [, sum, rest] = /^\((.*)\)(?: × (.*))?$/.exec(product) ?? [];
  const [head, tail] = sum === undefined ? [undefined, product] : [sum, rest];
  const base = head === undefined ? fraction('1') : plus(...head.split(' + ').map(times));
  const all = tail === undefined ? base : multiply(base, times(tail));
  const points = Number(all.top / (all.bottom * BigInt(per)));
  return most === undefined ? points : Math.min(Number(most), points);
}

type Fraction = { top: bigint; bottom: bigint };

function fraction(text: string): Fraction {
  const [whole = '', decimals = ''] = text.split('.');
  return { top: BigInt(whole + decimals), bottom: 10n ** BigInt(decimals.length) };
}

const multiply = (one: Fraction, other: Fraction): Fraction => ({
  top: one.top * other.top,
  bottom: one.bottom * other.bottom,
});

const times = (product: string): Fraction => product.split(' × ').map(fraction).reduce(multiply);

const plus = (...terms: Fraction[]): Fraction =>
  terms.reduce((one, other) => ({
    top: one.top * other.bottom + other.top * one.bottom,
    bottom: one.bottom * other.bottom,
  }));
