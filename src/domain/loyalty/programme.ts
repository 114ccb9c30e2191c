// The loyalty programme of a store as one document: what a version of its settings says, and what is wrong with one
// (P1–P10). The rules themselves are in the rooms beside this one.
import type { FieldProblem } from '../fields.ts';
import { daysInMonth } from '../fields.ts';
import { jsonPointer } from '../json-pointer.ts';
import type { EarningRule, Multiplier, PendingPolicy } from './earning.ts';
import type { ExpiryPolicy } from './expiry.ts';
import type { ProgrammeMails } from './mails.ts';
import type { ReferralSettings } from './referrals.ts';
import type { ReversalPolicy } from './reversal.ts';
import type { TierLevel, TierSettings } from './tiers.ts';

/** P10: how customers become members. */
export const ENROLMENTS = ['explicit', 'at_first_earn'] as const;
export type Enrolment = (typeof ENROLMENTS)[number];

/** P10: what becomes of the points of members who leave. */
export const ON_LEAVE = ['freeze', 'forfeit'] as const;
export type OnLeave = (typeof ON_LEAVE)[number];

/** One version of a programme: stored as JSON, never changed; lots and earnings name the version that made them. */
export interface ProgrammeSettings {
  name: string;
  enrolment: Enrolment;
  onLeave: OnLeave;
  /** P1. */
  rules: EarningRule[];
  /** P3. */
  pending: PendingPolicy;
  /** P4. */
  expiry: ExpiryPolicy;
  /** P6. */
  reversal: ReversalPolicy;
  /** P7; null = a programme without tiers. */
  tiers: TierSettings | null;
  /** P9; null = nobody is rewarded for friends. */
  referrals: ReferralSettings | null;
  /** Absent: it sends none. */
  mails?: ProgrammeMails;
}

/** Ids of rules, keys of tiers. */
export const PROGRAMME_KEY_PATTERN = '^[a-z0-9][a-z0-9_-]{0,62}$';

/** Greatest values and longest lists of a programme. */
export const PROGRAMME_LIMITS = {
  rules: 50,
  /** Of one rule. */
  multipliers: 20,
  /** Products, categories or tags of one rule. */
  names: 200,
  tiers: 20,
  points: 1_000_000,
  /** Minor units: also thresholds, caps and minimum amounts. */
  amount: 1_000_000_000_000,
  factor: 100,
  pendingDays: 365,
  returnDays: 365,
  graceDays: 365,
  months: 120,
  earlyAccessHours: 720,
  referralsPerAdvocate: 1_000_000,
} as const;

/** For a new shop: a point for each unit of money, two weeks pending, good for a year, three tiers by the year's spend. */
export const DEFAULT_PROGRAMME: ProgrammeSettings = {
  name: 'Rewards',
  enrolment: 'at_first_earn',
  onLeave: 'freeze',
  rules: [{ id: 'purchase', kind: 'spend', points: 1, perAmount: 100 }],
  pending: { basis: 'order', days: 14 },
  expiry: { kind: 'rolling_months', months: 12, roundUp: 'none' },
  reversal: 'within_balance',
  tiers: {
    basis: 'spend',
    window: 'rolling_months',
    months: 12,
    downgrade: 'one_down',
    graceDays: 0,
    levels: [
      defaultLevel('bronze', 'Bronze', 0, 1),
      defaultLevel('silver', 'Silver', 30_000, 1.25),
      defaultLevel('gold', 'Gold', 100_000, 1.5),
    ],
  },
  referrals: null,
};

function defaultLevel(key: string, name: string, threshold: number, multiplier: number): TierLevel {
  return { key, name, threshold, multiplier, earlyAccessHours: 0, freeShipping: false, label: null };
}

type Path = readonly (string | number)[];
type Problems = FieldProblem[];

/**
 * What is wrong with a programme that its JSON schema lets pass, all problems at once, pointers from the document; [] =
 * fine. Numbers are checked here too: the rules calculate with them.
 */
export function checkProgramme(settings: ProgrammeSettings): FieldProblem[] {
  const { rules, pending, expiry, tiers, referrals } = settings;
  return [
    ...tooMany(['rules'], rules, PROGRAMME_LIMITS.rules),
    ...badKeys(['rules'], 'id', rules),
    ...rules.flatMap((rule, index) => ruleProblems(['rules', index], rule, tiers)),
    ...wholes(['pending'], pending, { days: [0, PROGRAMME_LIMITS.pendingDays] }),
    ...expiryProblems(['expiry'], expiry),
    ...(tiers ? tierProblems(['tiers'], tiers) : []),
    ...(referrals ? wholes(['referrals'], referrals, REFERRAL_NUMBERS) : []),
    ...referralRuleProblems(settings),
  ];
}

type Range = readonly [least: number, most: number];
const { points: MAX_POINTS, amount: MAX_AMOUNT, months: MAX_MONTHS } = PROGRAMME_LIMITS;

const RULE_NUMBERS: Partial<Record<keyof EarningRule, Range>> = {
  points: [1, MAX_POINTS],
  perAmount: [1, MAX_AMOUNT],
  maxPerOrder: [1, MAX_AMOUNT],
  maxPerDay: [1, MAX_AMOUNT],
  maxPerCustomer: [1, MAX_AMOUNT],
};
const LEVEL_NUMBERS: Partial<Record<keyof TierLevel, Range>> = {
  threshold: [0, MAX_AMOUNT],
  earlyAccessHours: [0, PROGRAMME_LIMITS.earlyAccessHours],
};
const REFERRAL_NUMBERS: Partial<Record<keyof ReferralSettings, Range>> = {
  minimumAmount: [0, MAX_AMOUNT],
  returnDays: [0, PROGRAMME_LIMITS.returnDays],
  maxPerAdvocate: [1, PROGRAMME_LIMITS.referralsPerAdvocate],
};

/** Which optional fields a kind needs, and which it may have; it has no others of those that any kind has. */
type FieldsOfKinds<Kind extends string, Field> = Readonly<
  Record<Kind, { needs: readonly Field[]; may: readonly Field[] }>
>;

const RULE_FIELDS: FieldsOfKinds<EarningRule['kind'], keyof EarningRule> = {
  spend: { needs: ['perAmount'], may: ['maxPerOrder'] },
  item: { needs: [], may: ['productIds', 'categories', 'tags', 'maxPerOrder'] },
  event: { needs: ['event'], may: ['side'] },
};
const MULTIPLIER_FIELDS: FieldsOfKinds<Multiplier['kind'], keyof Multiplier> = {
  tier: { needs: ['key'], may: ['from', 'until'] },
  segment: { needs: ['key'], may: ['from', 'until'] },
  category: { needs: ['key'], may: ['from', 'until'] },
  time: { needs: [], may: ['from', 'until'] },
};
const EXPIRY_FIELDS: FieldsOfKinds<ExpiryPolicy['kind'], keyof ExpiryPolicy> = {
  none: { needs: [], may: [] },
  rolling_months: { needs: ['months'], may: ['roundUp'] },
  fixed_day: { needs: ['month', 'day'], may: [] },
  inactivity_months: { needs: ['months'], may: [] },
};
const TIER_FIELDS: FieldsOfKinds<TierSettings['window'], keyof TierSettings> = {
  lifetime: { needs: [], may: [] },
  rolling_months: { needs: ['months'], may: [] },
  calendar_year: { needs: [], may: [] },
};

function ruleProblems(path: Path, rule: EarningRule, tiers: TierSettings | null): Problems {
  const { multipliers = [] } = rule;
  return [
    ...misplaced(path, rule, rule.kind, RULE_FIELDS),
    ...wholes(path, rule, RULE_NUMBERS),
    ...(['productIds', 'categories', 'tags'] as const).flatMap((field) =>
      listProblems([...path, field], rule[field]),
    ),
    ...sideProblems(path, rule),
    ...tooMany([...path, 'multipliers'], multipliers, PROGRAMME_LIMITS.multipliers),
    ...multipliers.flatMap((multiplier, index) =>
      multiplierProblems([...path, 'multipliers', index], multiplier, rule, tiers),
    ),
  ];
}

/** An empty list would mean that no line counts: whoever wants all lines leaves the list out. */
function listProblems(path: Path, names: readonly string[] | undefined): Problems {
  if (names === undefined) return [];
  if (names.length === 0) return [problem(path, 'LIST_EMPTY', 'Name at least one, or leave the list out.')];
  return tooMany(path, names, PROGRAMME_LIMITS.names);
}

function sideProblems(path: Path, { kind, event, side }: EarningRule): Problems {
  const wants = kind === 'event' && event === 'referral';
  if (kind !== 'event' || wants === (side !== undefined)) return [];
  return [
    wants
      ? missing([...path, 'side'], 'A rule for referrals says whom it rewards: advocate or friend.')
      : surplus([...path, 'side'], 'Only rules for referrals have a side.'),
  ];
}

function multiplierProblems(
  path: Path,
  multiplier: Multiplier,
  rule: EarningRule,
  tiers: TierSettings | null,
): Problems {
  const { kind, key } = multiplier;
  const problems = [
    ...misplaced(path, multiplier, kind, MULTIPLIER_FIELDS),
    ...factorProblems([...path, 'factor'], multiplier.factor),
    ...windowProblems(path, multiplier),
  ];
  if (kind === 'tier' && key !== undefined && !tiers?.levels.some((level) => level.key === key)) {
    problems.push(problem([...path, 'key'], 'TIER_UNKNOWN', `The programme has no tier ${key}.`));
  }
  if (kind === 'category' && rule.kind === 'event') {
    problems.push(problem([...path, 'kind'], 'MULTIPLIER_UNFIT', 'An event has no category.'));
  }
  return problems;
}

function factorProblems(path: Path, factor: number): Problems {
  const hundredths = Math.round(factor * 100);
  if (factor >= 1 && factor <= PROGRAMME_LIMITS.factor && hundredths / 100 === factor) return [];
  const message = `A number from 1 to ${PROGRAMME_LIMITS.factor} with at most two decimals.`;
  return [problem(path, 'FACTOR_INVALID', message)];
}

/** A multiplier by time is nothing but its window, so it has at least one bound. */
function windowProblems(path: Path, { kind, from, until }: Multiplier): Problems {
  if (kind === 'time' && from === undefined && until === undefined) {
    return [missing([...path, 'from'], 'A multiplier by time needs from, until or both.')];
  }
  const bounds = { from, until };
  const wrong = (['from', 'until'] as const).filter((name) =>
    Number.isNaN(Date.parse(bounds[name] ?? '1970')),
  );
  if (wrong.length > 0) {
    return wrong.map((name) => problem([...path, name], 'INSTANT_INVALID', 'An instant in RFC 3339.'));
  }
  if (from === undefined || until === undefined || Date.parse(from) < Date.parse(until)) return [];
  return [
    problem([...path, 'until'], 'WINDOW_EMPTY', 'The window ends before it begins: until is after from.'),
  ];
}

function expiryProblems(path: Path, policy: ExpiryPolicy): Problems {
  const { kind, month = 1 } = policy;
  const lastDay = month >= 1 && month <= 12 ? daysInMonth(month) : 31;
  return [
    ...misplaced(path, policy, kind, EXPIRY_FIELDS),
    ...wholes(path, policy, { months: [1, MAX_MONTHS], month: [1, 12], day: [1, lastDay] }),
  ];
}

function tierProblems(path: Path, tiers: TierSettings): Problems {
  const { levels } = tiers;
  const levelsPath = [...path, 'levels'];
  return [
    ...misplaced(path, tiers, tiers.window, TIER_FIELDS),
    ...wholes(path, tiers, { months: [1, MAX_MONTHS], graceDays: [0, PROGRAMME_LIMITS.graceDays] }),
    ...downgradeProblems(path, tiers),
    ...(levels.length === 0 ? [problem(levelsPath, 'LIST_EMPTY', 'Tiers need at least one level.')] : []),
    ...tooMany(levelsPath, levels, PROGRAMME_LIMITS.tiers),
    ...badKeys(levelsPath, 'key', levels),
    ...levels.flatMap((level, index) => [
      ...wholes([...levelsPath, index], level, LEVEL_NUMBERS),
      ...factorProblems([...levelsPath, index, 'multiplier'], level.multiplier),
      ...riseProblems([...levelsPath, index, 'threshold'], level, levels[index - 1]),
    ]),
  ];
}

const SHORTEST_MONTH_DAYS = 28;

function downgradeProblems(path: Path, { window, months = 1, downgrade, graceDays }: TierSettings): Problems {
  if (window === 'lifetime' && downgrade !== 'none') {
    const message = 'A lifetime has no period that ends, so its tiers are kept: none.';
    return [problem([...path, 'downgrade'], 'DOWNGRADE_WITHOUT_PERIOD', message)];
  }
  if (downgrade === 'none' && graceDays > 0) {
    return [
      problem([...path, 'graceDays'], 'GRACE_WITHOUT_DOWNGRADE', 'Tiers that are kept need no grace: 0.'),
    ];
  }
  if (window !== 'rolling_months' || graceDays < months * SHORTEST_MONTH_DAYS) return [];
  return [problem([...path, 'graceDays'], 'GRACE_TOO_LONG', 'The grace is shorter than the period.')];
}

function riseProblems(path: Path, level: TierLevel, below: TierLevel | undefined): Problems {
  if (below === undefined || level.threshold > below.threshold) return [];
  const message = `Thresholds rise strictly: more than ${below.threshold}.`;
  return [problem(path, 'THRESHOLDS_NOT_RISING', message)];
}

/** P9: points for referrals and the terms of referrals go together. */
function referralRuleProblems({ rules, referrals }: ProgrammeSettings): Problems {
  const positions = [...rules.keys()].filter((index) => rules[index]?.event === 'referral');
  if (referrals === null) {
    return positions.map((index) =>
      problem(['rules', index, 'event'], 'REFERRALS_MISSING', 'The programme says nothing about referrals.'),
    );
  }
  if (positions.length > 0) return [];
  return [problem(['referrals'], 'REFERRAL_RULE_MISSING', 'No earning rule rewards the event referral.')];
}

/** Fields that a kind lacks, and fields that only other kinds have. */
function misplaced<Kind extends string, Field extends string>(
  path: Path,
  object: Partial<Record<Field, unknown>>,
  kind: Kind,
  fields: FieldsOfKinds<Kind, Field>,
): Problems {
  const { needs, may } = fields[kind];
  const own = new Set([...needs, ...may]);
  const known = Object.values<{ needs: readonly Field[]; may: readonly Field[] }>(fields);
  const others = new Set(known.flatMap((one) => [...one.needs, ...one.may]).filter((name) => !own.has(name)));
  return [
    ...needs
      .filter((name) => object[name] === undefined)
      .map((name) => missing([...path, name], `${kind} needs ${name}.`)),
    ...[...others]
      .filter((name) => object[name] !== undefined)
      .map((name) => surplus([...path, name], `${kind} has no ${name}.`)),
  ];
}

/** Whole numbers within their ranges; absent ones are not looked at. */
function wholes<Field extends string>(
  path: Path,
  object: Partial<Record<Field, unknown>>,
  ranges: Partial<Record<Field, Range>>,
): Problems {
  return Object.entries<Range | undefined>(ranges).flatMap(([name, range]) => {
    const value = object[name as Field];
    if (value === undefined || range === undefined) return [];
    const [least, most] = range;
    if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return [];
    return [problem([...path, name], 'NUMBER_INVALID', `A whole number from ${least} to ${most}.`)];
  });
}

const KEY = new RegExp(PROGRAMME_KEY_PATTERN);

/** Keys that are no slugs, and all but the first of those that are the same. */
function badKeys<Field extends string>(
  path: Path,
  field: Field,
  list: readonly Readonly<Record<Field, string>>[],
): Problems {
  const keys = list.map((entry) => entry[field]);
  return keys.flatMap((key, index) => {
    const place = [...path, index, field];
    if (!KEY.test(key)) return [problem(place, 'KEY_INVALID', `Of the pattern ${PROGRAMME_KEY_PATTERN}.`)];
    if (keys.indexOf(key) === index) return [];
    return [problem(place, 'KEY_TWICE', `Something before it is called ${key} too.`)];
  });
}

function tooMany(path: Path, list: readonly unknown[], most: number): Problems {
  return list.length <= most ? [] : [problem(path, 'LIST_TOO_LONG', `At most ${most}.`)];
}

const missing = (path: Path, message: string): FieldProblem => problem(path, 'FIELD_MISSING', message);
const surplus = (path: Path, message: string): FieldProblem => problem(path, 'FIELD_NOT_OF_KIND', message);

function problem(path: Path, code: string, message: string): FieldProblem {
  return { pointer: jsonPointer(path), code, message };
}
