import t from 'tap';
import type { EarningRule, Multiplier } from '../../../src/domain/loyalty/earning.ts';
import type { ExpiryPolicy } from '../../../src/domain/loyalty/expiry.ts';
import {
  checkProgramme,
  DEFAULT_PROGRAMME,
  PROGRAMME_LIMITS,
  type ProgrammeSettings,
} from '../../../src/domain/loyalty/programme.ts';
import type { TierLevel, TierSettings } from '../../../src/domain/loyalty/tiers.ts';

const SPEND: EarningRule = { id: 'purchase', kind: 'spend', points: 1, perAmount: 100 };
const ITEM: EarningRule = { id: 'piece', kind: 'item', points: 1 };
const EVENT: EarningRule = { id: 'welcome', kind: 'event', event: 'sign_up', points: 1 };
const ADVOCATE: EarningRule = { id: 'adv', kind: 'event', event: 'referral', side: 'advocate', points: 1 };
const REFERRALS = { minimumAmount: 0, returnDays: 14, onRefund: 'reverse' as const };
const TIERS = DEFAULT_PROGRAMME.tiers;
if (TIERS === null) throw new Error('a shop begins with tiers');

/** `<pointer> <code>` of everything wrong. */
const wrong = (changes: Partial<ProgrammeSettings>): string[] =>
  checkProgramme({ ...DEFAULT_PROGRAMME, ...changes }).map(({ pointer, code }) => `${pointer} ${code}`);

t.test('the programme of a new shop is right', async (t) => {
  t.strictSame(checkProgramme(DEFAULT_PROGRAMME), []);
  t.strictSame(JSON.parse(JSON.stringify(DEFAULT_PROGRAMME)), DEFAULT_PROGRAMME, 'is JSON');
});

t.test('P1 rules have the fields of their kind and unique ids', async (t) => {
  const { perAmount: _none, ...withoutAmount } = SPEND;
  const cases: [EarningRule[], string[]][] = [
    [[], []],
    [[SPEND, ITEM, EVENT], []],
    [[{ ...ITEM, productIds: ['a'], categories: ['b'], tags: ['c'], maxPerOrder: 5 }], []],
    [[withoutAmount], ['/rules/0/perAmount FIELD_MISSING']],
    [[{ ...SPEND, tags: ['a'] }], ['/rules/0/tags FIELD_NOT_OF_KIND']],
    [[{ ...SPEND, event: 'review' }], ['/rules/0/event FIELD_NOT_OF_KIND']],
    [[{ ...ITEM, perAmount: 5 }], ['/rules/0/perAmount FIELD_NOT_OF_KIND']],
    [[{ ...ITEM, tags: [] }], ['/rules/0/tags LIST_EMPTY']],
    [[{ ...EVENT, maxPerOrder: 5 }], ['/rules/0/maxPerOrder FIELD_NOT_OF_KIND']],
    [[{ id: 'x', kind: 'event', points: 1 }], ['/rules/0/event FIELD_MISSING']],
    [[{ ...EVENT, side: 'friend' }], ['/rules/0/side FIELD_NOT_OF_KIND']],
    [[SPEND, ITEM, { ...SPEND }], ['/rules/2/id KEY_TWICE']],
    [[{ ...SPEND, id: 'a:b' }], ['/rules/0/id KEY_INVALID']],
    [[{ ...SPEND, points: 0 }], ['/rules/0/points NUMBER_INVALID']],
    [[{ ...SPEND, points: 1.5 }], ['/rules/0/points NUMBER_INVALID']],
    [
      [{ ...SPEND, perAmount: 0, maxPerDay: -1 }],
      ['/rules/0/perAmount NUMBER_INVALID', '/rules/0/maxPerDay NUMBER_INVALID'],
    ],
    [Array.from({ length: 51 }, (_, index) => ({ ...SPEND, id: `r${index}` })), ['/rules LIST_TOO_LONG']],
  ];
  for (const [rules, problems] of cases)
    t.strictSame(wrong({ rules }), problems, JSON.stringify(rules).slice(0, 120));
});

t.test('P1 multipliers name known tiers, have fine factors and windows that are not empty', async (t) => {
  const [from, until] = ['2026-11-21T00:00:00Z', '2026-11-23T00:00:00Z'];
  const at = '/rules/0/multipliers/0';
  const cases: [Multiplier, string[], EarningRule?][] = [
    [{ kind: 'tier', key: 'gold', factor: 1.5 }, []],
    [{ kind: 'tier', key: 'tin', factor: 1.5 }, [`${at}/key TIER_UNKNOWN`]],
    [{ kind: 'tier', factor: 1.5 }, [`${at}/key FIELD_MISSING`]],
    [{ kind: 'segment', key: 'vip', factor: 1.25, from, until }, []],
    [{ kind: 'category', key: 'Garden', factor: 100 }, []],
    [{ kind: 'category', key: 'Garden', factor: 2 }, [`${at}/kind MULTIPLIER_UNFIT`], EVENT],
    [{ kind: 'time', factor: 2, from }, []],
    [{ kind: 'time', factor: 2, until }, []],
    [{ kind: 'time', factor: 2 }, [`${at}/from FIELD_MISSING`]],
    [{ kind: 'time', key: 'x', factor: 2, from }, [`${at}/key FIELD_NOT_OF_KIND`]],
    [{ kind: 'time', factor: 2, from, until: from }, [`${at}/until WINDOW_EMPTY`]],
    [{ kind: 'time', factor: 2, from: until, until: from }, [`${at}/until WINDOW_EMPTY`]],
    [{ kind: 'time', factor: 2, from: '2026-11-21T24:61:00Z' }, [`${at}/from INSTANT_INVALID`]],
    [{ kind: 'segment', key: 'vip', factor: 0.5 }, [`${at}/factor FACTOR_INVALID`]],
    [{ kind: 'segment', key: 'vip', factor: 100.01 }, [`${at}/factor FACTOR_INVALID`]],
    [{ kind: 'segment', key: 'vip', factor: 1.005 }, [`${at}/factor FACTOR_INVALID`]],
    [{ kind: 'segment', key: 'vip', factor: Number.NaN }, [`${at}/factor FACTOR_INVALID`]],
  ];
  for (const [multiplier, problems, rule = SPEND] of cases) {
    const rules = [{ ...rule, multipliers: [multiplier] }];
    t.strictSame(wrong({ rules }), problems, JSON.stringify(multiplier));
  }
  for (let hundredths = 100; hundredths <= 10_000; hundredths += 1) {
    const factor = Number((hundredths / 100).toFixed(2));
    const rules = [{ ...SPEND, multipliers: [{ kind: 'segment' as const, key: 'vip', factor }] }];
    if (wrong({ rules }).length > 0) t.fail(`${factor} has two decimals`);
  }
  const many = Array.from({ length: 21 }, (): Multiplier => ({ kind: 'time', from, factor: 2 }));
  t.strictSame(wrong({ rules: [{ ...SPEND, multipliers: many }] }), ['/rules/0/multipliers LIST_TOO_LONG']);
  const rules: EarningRule[] = [{ ...SPEND, multipliers: [{ kind: 'tier', key: 'gold', factor: 2 }] }];
  t.strictSame(wrong({ rules, tiers: null }), [`${at}/key TIER_UNKNOWN`]);
});

t.test('P3, P4 waiting and expiry have the fields of their kind', async (t) => {
  const cases: [ExpiryPolicy, string[]][] = [
    [{ kind: 'none' }, []],
    [{ kind: 'none', months: 3 }, ['/expiry/months FIELD_NOT_OF_KIND']],
    [{ kind: 'rolling_months', months: 120, roundUp: 'year' }, []],
    [{ kind: 'rolling_months' }, ['/expiry/months FIELD_MISSING']],
    [{ kind: 'rolling_months', months: 0 }, ['/expiry/months NUMBER_INVALID']],
    [{ kind: 'rolling_months', months: 121 }, ['/expiry/months NUMBER_INVALID']],
    [{ kind: 'inactivity_months', months: 6, roundUp: 'month' }, ['/expiry/roundUp FIELD_NOT_OF_KIND']],
    [{ kind: 'fixed_day', month: 2, day: 29 }, []],
    [{ kind: 'fixed_day', month: 2, day: 30 }, ['/expiry/day NUMBER_INVALID']],
    [{ kind: 'fixed_day', month: 13, day: 1 }, ['/expiry/month NUMBER_INVALID']],
    [{ kind: 'fixed_day', month: 4 }, ['/expiry/day FIELD_MISSING']],
  ];
  for (const [expiry, problems] of cases) t.strictSame(wrong({ expiry }), problems, JSON.stringify(expiry));
  t.strictSame(wrong({ pending: { basis: 'delivery', days: 366 } }), ['/pending/days NUMBER_INVALID']);
  t.strictSame(wrong({ pending: { basis: 'delivery', days: 0 } }), []);
});

t.test('P7 thresholds rise strictly, and every setting of tiers has a sense', async (t) => {
  const { months: _none, ...withoutMonths } = TIERS;
  const yearly: TierSettings = { ...withoutMonths, window: 'calendar_year' };
  const levels = (...thresholds: number[]): TierLevel[] =>
    thresholds.map((threshold, index) => ({
      key: `l${index}`,
      name: 'Level',
      threshold,
      multiplier: 1,
      earlyAccessHours: 0,
      freeShipping: false,
      label: null,
    }));
  const cases: [TierSettings, string[]][] = [
    [yearly, []],
    [{ ...TIERS, levels: levels(5, 6, 7) }, []],
    [{ ...TIERS, levels: [] }, ['/tiers/levels LIST_EMPTY']],
    [{ ...TIERS, levels: levels(5, 5) }, ['/tiers/levels/1/threshold THRESHOLDS_NOT_RISING']],
    [{ ...TIERS, levels: levels(0, 5, 4, 6) }, ['/tiers/levels/2/threshold THRESHOLDS_NOT_RISING']],
    [{ ...TIERS, levels: levels(-1, 5) }, ['/tiers/levels/0/threshold NUMBER_INVALID']],
    [
      { ...TIERS, levels: levels(1, 2).map((level) => ({ ...level, key: 'same' })) },
      ['/tiers/levels/1/key KEY_TWICE'],
    ],
    [
      { ...TIERS, levels: levels(1).map((level) => ({ ...level, multiplier: 0.9 })) },
      ['/tiers/levels/0/multiplier FACTOR_INVALID'],
    ],
    [{ ...TIERS, levels: levels(...Array(21).keys()) }, ['/tiers/levels LIST_TOO_LONG']],
    [{ ...yearly, months: 3 }, ['/tiers/months FIELD_NOT_OF_KIND']],
    [{ ...yearly, window: 'rolling_months' }, ['/tiers/months FIELD_MISSING']],
    [{ ...yearly, window: 'lifetime' }, ['/tiers/downgrade DOWNGRADE_WITHOUT_PERIOD']],
    [{ ...yearly, window: 'lifetime', downgrade: 'none' }, []],
    [{ ...yearly, downgrade: 'none', graceDays: 1 }, ['/tiers/graceDays GRACE_WITHOUT_DOWNGRADE']],
    [{ ...TIERS, months: 1, graceDays: 28 }, ['/tiers/graceDays GRACE_TOO_LONG']],
    [{ ...TIERS, months: 1, graceDays: 27 }, []],
  ];
  for (const [tiers, problems] of cases) {
    t.strictSame(wrong({ tiers }), problems, JSON.stringify(tiers).slice(0, 200));
  }
});

t.test('P9 points for referrals and the terms of referrals go together', async (t) => {
  const both = { rules: [SPEND, ADVOCATE], referrals: REFERRALS };
  t.strictSame(wrong(both), []);
  t.strictSame(wrong({ ...both, referrals: null }), ['/rules/1/event REFERRALS_MISSING']);
  t.strictSame(wrong({ ...both, rules: [SPEND] }), ['/referrals REFERRAL_RULE_MISSING']);
  const { side: _none, ...sideless } = ADVOCATE;
  t.strictSame(wrong({ ...both, rules: [sideless] }), ['/rules/0/side FIELD_MISSING']);
  t.strictSame(wrong({ ...both, referrals: { ...REFERRALS, maxPerAdvocate: 0, returnDays: -1 } }), [
    '/referrals/returnDays NUMBER_INVALID',
    '/referrals/maxPerAdvocate NUMBER_INVALID',
  ]);
});

t.test('the limits leave room for exact sums', async (t) => {
  const { points, factor, amount } = PROGRAMME_LIMITS;
  t.ok(Number.isSafeInteger(points * factor * factor));
  t.ok(Number.isSafeInteger(amount * PROGRAMME_LIMITS.rules));
});
