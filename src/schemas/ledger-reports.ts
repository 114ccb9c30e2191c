// The wire contract of the reports over the whole ledger: liability and self-check.
import Type from 'typebox';
import { FORECAST_MONTHS, HISTORY_DAYS } from '../domain/ledger/liability.ts';
import { LEDGER_CHECKS } from '../domain/ledger/self-check.ts';
import { closed, DateTime, Int64, nullable, stringEnum, Timestamp, Uuid } from './helpers.ts';
import { unitOf } from './ledger.ts';

const amount = (description: string, example = 1250) => Int64({ description, examples: [example] });
const month = Type.String({
  pattern: '^([0-9]{4}-[0-9]{2}|never)$',
  description: 'Month of the store’s calendar, or `never`.',
  examples: ['2026-03'],
});

export const LiabilityQuery = closed({
  at: Type.Optional(
    DateTime({
      description: 'The books as they stood at this instant; now unless given.',
      examples: ['2026-01-01T00:00:00Z'],
    }),
  ),
});

const AgeBand = closed(
  {
    fromDays: Type.Integer({
      description: 'Youngest age in days since the lot became active.',
      examples: [0],
    }),
    toDays: Type.Optional(
      Type.Integer({ description: 'Oldest age in days; absent in the last band.', examples: [30] }),
    ),
    amount: amount('What of lots of this age is outstanding.'),
  },
  { description: 'Outstanding lots of one age.' },
);

const ExpiryMonth = closed(
  { month, amount: amount('What of lots that expire in this month is outstanding.') },
  { description: 'Outstanding lots that expire in one month.' },
);

const BreakageHistory = closed(
  {
    due: amount(`All that was ever in lots that expired in the last ${HISTORY_DAYS} days.`, 10000),
    expired: amount('What of it expired unspent.', 1500),
    rate: nullable(
      Type.Number({ minimum: 0, maximum: 1, description: 'expired ÷ due; null when nothing was due.' }),
    ),
  },
  { description: 'How much of what expired was not spent: the base of the expected breakage.' },
);

const ForecastMonth = closed(
  {
    month,
    amount: amount('What expires in this month if nothing is spent.'),
    expectedBreakage: Type.Optional(
      amount(
        'What is expected to: the rate of the history × all lots of this month, spent ones too, but no more than is left.',
        190,
      ),
    ),
  },
  { description: 'What will expire in one month.' },
);

const Reconciliation = closed(
  {
    entries: amount('Σ credits − Σ debits of all transfers.', 5000),
    balances: amount('Σ balances of all accounts.', 5000),
    lots: amount('Σ of what remains of all lots: outstanding + expired.', 5000),
    overdrafts: amount('Σ of what was taken beyond all lots.', 0),
    difference: amount('0 when entries = balances = lots − overdrafts; else the largest gap.', 0),
  },
  { description: 'The same sum in three ways, from one snapshot.' },
);

const UnitLiability = closed(
  {
    unit: unitOf(
      'ISO 4217 currency (amounts in minor units), or `points`: what they are worth is not known here.',
    ),
    accounts: Type.Integer({ description: 'Accounts of this unit.', examples: [310] }),
    lots: Type.Integer({ description: 'Lots of which something is left.', examples: [420] }),
    outstanding: amount('What is owed: active + pending + held.', 5000),
    active: amount('Can be spent now.', 3750),
    pending: amount('Will count later.', 0),
    held: amount('Reserved by holds.', 1250),
    expired: amount('Expired and not booked to breakage yet: owed no more.', 0),
    overdrafts: amount('What customers owe: taken beyond all lots.', 0),
    byAge: Type.Array(AgeBand, { description: '`outstanding` by age.' }),
    byExpiry: Type.Array(ExpiryMonth, { description: '`outstanding` by month of expiry, soonest first.' }),
    history: BreakageHistory,
    forecast: Type.Array(ForecastMonth, {
      description: `The present month, from now on, and the ${FORECAST_MONTHS - 1} after it.`,
    }),
    reconciliation: Reconciliation,
  },
  { description: 'The liability in one unit.' },
);

export const LedgerLiability = closed(
  {
    at: Timestamp({ description: 'The instant of the report.' }),
    timezone: Type.String({ description: 'Time zone of the months.', examples: ['Europe/Berlin'] }),
    units: Type.Array(UnitLiability, { description: 'One part per unit; units are never added up.' }),
  },
  { $id: 'LedgerLiability', description: 'What the shop owes its customers.' },
);

export const LedgerCheckQuery = closed({
  after: Type.Optional(Uuid({ description: '`next` of the answer before, to go on from there.' })),
});

const LedgerFault = closed(
  {
    accountId: Uuid({ description: 'The account.' }),
    subjectId: Uuid({ description: 'The account, transfer, lot or hold that does not add up.' }),
    stored: amount('What it says.'),
    expected: amount('What the others add up to.', 1249),
  },
  { description: 'Something that does not add up.' },
);

const LedgerCheck = closed(
  {
    name: stringEnum(
      LEDGER_CHECKS.map(({ name }) => name),
      { description: 'Name of the check.' },
    ),
    rule: Type.String({ description: 'The invariant.', examples: ['L2'] }),
    says: Type.String({
      description: 'What holds.',
      examples: ['The balance is Σ remaining lots − overdraft.'],
    }),
    checked: Type.Integer({ description: 'How many were checked.', examples: [310] }),
    broken: Type.Integer({ description: 'How many of them do not add up.', examples: [0] }),
    examples: Type.Array(LedgerFault, { description: 'The first of them.' }),
  },
  { description: 'One invariant.' },
);

export const LedgerSelfCheck = closed(
  {
    ok: Type.Boolean({ description: 'True: nothing that was checked is broken.' }),
    complete: Type.Boolean({ description: 'False: the time was up before all accounts were checked.' }),
    next: Type.Optional(Uuid({ description: 'Send it as `after` to check the accounts that are left.' })),
    accounts: Type.Integer({ description: 'Accounts that were checked.', examples: [310] }),
    checks: Type.Array(LedgerCheck, { description: 'One line per invariant.' }),
  },
  { $id: 'LedgerSelfCheck', description: 'Whether the ledger adds up.' },
);

export const ledgerReportSchemas = [LedgerLiability, LedgerSelfCheck];
