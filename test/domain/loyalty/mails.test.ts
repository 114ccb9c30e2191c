// Which changes of a tier are worth a mail.
import t from 'tap';
import { programmeMailsOf, riseIn } from '../../../src/domain/loyalty/mails.ts';

const levels = [['bronze', 0] as const, ['silver', 100] as const, ['gold', 200] as const].map(
  ([key, threshold]) => ({
    key,
    name: key,
    threshold,
    multiplier: 1,
    earlyAccessHours: 0,
    freeShipping: false,
    label: null,
  }),
);

const CASES: readonly [
  name: string,
  changes: [from: string | null, to: string | null][],
  to: string | undefined,
][] = [
  ['nothing', [], undefined],
  ['up', [['bronze', 'silver']], 'silver'],
  ['up from none', [[null, 'silver']], 'silver'],
  ['into the tier of all', [[null, 'bronze']], undefined],
  [
    'up twice',
    [
      ['bronze', 'silver'],
      ['silver', 'gold'],
    ],
    'gold',
  ],
  ['down', [['gold', 'silver']], undefined],
  ['down to none', [['gold', null]], undefined],
  [
    'up and down again',
    [
      ['silver', 'gold'],
      ['gold', 'silver'],
    ],
    undefined,
  ],
  [
    'down and up beyond',
    [
      ['silver', 'bronze'],
      ['bronze', 'gold'],
    ],
    'gold',
  ],
  ['from a tier that is no more', [['platinum', 'silver']], 'silver'],
  ['to a tier that is no more', [['silver', 'platinum']], undefined],
];

t.test('P7 a rise is what leads to a higher tier than before', async (t) => {
  for (const [name, changes, to] of CASES) {
    const rise = riseIn(
      changes.map(([from, to]) => ({ from, to })),
      { levels },
    );
    t.equal(rise?.to, to, name);
  }
});

t.test('programmes of before say nothing of mails, so they send none', async (t) => {
  t.same(programmeMailsOf({}), { tierReached: false, pointsExpiring: false });
});
