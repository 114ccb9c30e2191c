// The wire contract of statements (K9). Amounts are in the unit of the account.
import Type from 'typebox';
import { CalendarDate, Currency, closed, Int64, ref, Timestamp, Uuid } from './helpers.ts';
import { TransferDetail, unitOf } from './ledger.ts';

const amount = (description: string, example: number) => Int64({ description, examples: [example] });

export const statementPeriod = {
  from: CalendarDate({ description: 'First day, in the time zone of the store.', examples: ['2026-01-01'] }),
  until: CalendarDate({ description: 'Last day, which belongs to the period.', examples: ['2026-01-31'] }),
};

export const creditStatementQuery = closed({ currency: Currency(), ...statementPeriod });
export const pointsStatementQuery = closed(statementPeriod);

export const StatementLot = closed(
  {
    lotId: Type.Optional(Uuid({ description: 'The lot; absent for what was debited beyond all lots.' })),
    source: Type.Optional(Type.String({ description: 'Where it came from.', examples: ['grant'] })),
    activeFrom: Type.Optional(Timestamp({ description: 'It counts from here.' })),
    expiresAt: Type.Optional(Timestamp({ description: 'It stops counting here; never, if absent.' })),
    opening: amount('What it had at the beginning.', 2500),
    added: amount('What came in.', 0),
    taken: amount('What was taken.', 1250),
    closing: amount('What it had at the end: opening + added − taken.', 1250),
  },
  { $id: 'StatementLot', description: 'A lot over the period.' },
);

export const Statement = closed(
  {
    customerId: Uuid({ description: 'Whose account.' }),
    accountId: Type.Optional(Uuid({ description: 'The account; absent if there never was one.' })),
    unit: unitOf(),
    ...statementPeriod,
    timezone: Type.String({ description: 'Time zone of the days.', examples: ['Europe/Berlin'] }),
    opening: amount('Balance before the first day.', 2500),
    credited: amount('Σ of what came in.', 0),
    debited: amount('Σ of what went out.', 1250),
    closing: amount('Balance after the last day: opening + credited − debited.', 1250),
    movements: Type.Array(ref(TransferDetail), {
      description: 'Every transfer that was recorded in the period, in the order of the chain.',
    }),
    lots: Type.Array(ref(StatementLot), {
      description: 'The same by lot, soonest expiry first. The sums over all lots are those of the account.',
    }),
  },
  { $id: 'Statement', description: 'An account over a period (K9).' },
);

export const StatementFile = Type.String({
  description:
    'CSV with a line per lot at the beginning, per movement and lot, and per lot at the end; amounts in major units with a dot.',
});

export const statementSchemas = [StatementLot, Statement];
