// The wire contract of the metrics of the programme.
import Type from 'typebox';
import { LOYALTY_METRICS } from '../domain/loyalty/metrics.ts';
import { closed, DateTime, Int64, nullable, ref, stringEnum, Timestamp } from './helpers.ts';

const counted = (what: string, names: readonly string[]) =>
  closed(
    {
      name: stringEnum([...new Set(names)], { description: 'What was counted.' }),
      value: Int64({ description: 'How many.', examples: [42] }),
    },
    { description: what },
  );

export const LoyaltyMetric = closed(
  {
    key: stringEnum(
      LOYALTY_METRICS.map(({ key }) => key),
      { description: 'Which metric.' },
    ),
    numerator: counted(
      'What is divided.',
      LOYALTY_METRICS.map(({ numerator }) => numerator),
    ),
    denominator: counted(
      'By what it is divided.',
      LOYALTY_METRICS.map(({ denominator }) => denominator),
    ),
    ratio: nullable(
      Type.Number({
        description: 'With four decimals; null when there is nothing to divide by.',
        examples: [0.42],
      }),
    ),
    definition: Type.String({ description: 'What the metric means.' }),
  },
  { $id: 'LoyaltyMetric', description: 'One count divided by another, and which (P10).' },
);

const points = (description: string) => Int64({ description, examples: [12_000] });

export const LoyaltyMetrics = closed(
  {
    from: Type.Optional(
      Timestamp({ description: 'Beginning of the period; absent: from the first day on.' }),
    ),
    until: Timestamp({ description: 'End of the period, exclusive.' }),
    metrics: Type.Array(ref(LoyaltyMetric), { description: 'Every metric.' }),
    points: closed(
      {
        issued: points('Points given for orders, events and by hand, less those that refunds took back.'),
        redeemed: points('Points taken for rewards, less those given back.'),
        expired: points('Points that expired unused.'),
        forfeited: points('Points of members who left.'),
        adjusted: points('Corrections by hand; below zero for what was taken away.'),
        outstanding: points('What customers had at the end of the period, pending points included.'),
      },
      { description: 'Points that moved in the period, and the liability at its end.' },
    ),
  },
  { $id: 'LoyaltyMetrics', description: 'How the programme does.' },
);

export const LoyaltyMetricsQuery = closed({
  from: Type.Optional(DateTime({ description: 'From this instant on; from the first day on, if absent.' })),
  until: Type.Optional(DateTime({ description: 'Before this instant; until now, if absent.' })),
});

export const loyaltyMetricsSchemas = [LoyaltyMetric, LoyaltyMetrics];
