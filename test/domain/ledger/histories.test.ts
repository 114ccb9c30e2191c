// Random histories: whatever happens in whatever order, the books stay right (L2–L8).
import fc from 'fast-check';
import t from 'tap';
import { LedgerWorld, type Step, type Wanted } from '../../support/ledger-world.ts';

const seed = Number(process.env.LEDGER_SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.LEDGER_HISTORIES ?? 1_500);
t.comment(`LEDGER_SEED=${seed} LEDGER_HISTORIES=${numRuns}`);

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const account = fc.constantFrom(0, 0, 0, 1);
const pick = fc.nat({ max: 20 });
const amount = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 1, arbitrary: fc.integer({ min: 2 ** 31, max: 2 ** 40 }) },
);
const wanted: fc.Arbitrary<Wanted> = fc.oneof(
  fc.record({ amount }),
  fc.record({ more: fc.constantFrom(-3, -1, 0, 0, 1) }),
);
const part = fc.option(fc.integer({ min: 1, max: 60 }));
const spanMs = fc.oneof(
  fc.constantFrom(1, 2, MINUTE_MS, DAY_MS),
  fc.integer({ min: 1, max: 10 * MINUTE_MS }),
  fc.integer({ min: 1, max: 40 * DAY_MS }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: spanMs }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('passTo' as const),
      pick,
      offsetMs: fc.constantFrom(-1, 0, 0, 1),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('grant' as const),
      account,
      amount,
      startsInMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, spanMs),
      expiresInMs: fc.option(spanMs),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('spend' as const, 'spend' as const, 'adjust' as const),
      account,
      wanted,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('overdraw' as const), account, wanted }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('hold' as const), account, wanted, ttlMs: spanMs }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('capture' as const), pick, amount: part }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('void' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('extend' as const), pick, ttlMs: spanMs }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expire' as const), account }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('refund' as const),
      pick,
      amount: part,
      expired: fc.constantFrom('grace' as const, 'breakage' as const),
      graceDays: fc.integer({ min: 1, max: 30 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move' as const), account }) },
);
const history = fc.array(step, { minLength: 1, maxLength: 60, size: 'max' });

function live(steps: readonly Step[]): LedgerWorld {
  const world = new LedgerWorld();
  for (const one of steps) world.take(one);
  return world;
}

t.test('L2–L6 hold after every step of any history, and its chains verify (L8)', async (t) => {
  const done: Record<string, number> = {};
  fc.assert(
    fc.property(history, (steps) => {
      const world = live(steps);
      for (const [what, times] of Object.entries(world.done)) done[what] = (done[what] ?? 0) + times;
      return world.verify().broken.length === 0;
    }),
    { numRuns, seed },
  );
  t.comment(JSON.stringify(done));
  const wantedSteps = [
    'grant', 'spend', 'adjust', 'overdraw', 'overdraft', 'covered', 'hold', 'capture', 'void', 'extend', 'expire',
    'refund', 'refund with grace', 'move', 'passTo', 'refused',
  ]; // biome-ignore format: a list of words
  for (const what of wantedSteps) t.ok((done[what] ?? 0) >= numRuns / 30, `${what}: ${done[what]} times`);
});

t.test('L8 the same history played again gives the same hashes', async (t) => {
  fc.assert(
    fc.property(history, (steps) => {
      const [first, second] = [live(steps), live(steps)];
      return JSON.stringify(first.transfers) === JSON.stringify(second.transfers);
    }),
    { numRuns: Math.ceil(numRuns / 5), seed },
  );
  t.pass();
});
