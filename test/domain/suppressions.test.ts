import fc from 'fast-check';
import t from 'tap';
import {
  isSuppressed,
  lifted,
  SUPPRESSION_CAUSES,
  type Suppression,
  type SuppressionCause,
  suppressionAfter,
  unlisted,
} from '../../src/domain/mail/suppressions.ts';

const START = new Date('2026-01-01T00:00:00Z');
const day = (n: number) => new Date(START.getTime() + n * 86_400_000);
const after = (...events: [number, SuppressionCause][]): Suppression =>
  events.reduce((state, [at, cause]) => suppressionAfter(state, cause, day(at)), unlisted(START));

t.test('a hard bounce, a complaint and a person suppress until somebody lifts it', async (t) => {
  for (const cause of ['hard_bounce', 'complaint', 'manual'] as const) {
    const state = after([0, cause]);
    t.match(state, { reason: cause, until: null, active: true });
    t.ok(isSuppressed(state, day(10_000)), cause);
    t.notOk(isSuppressed(lifted(state, day(1)), day(1)));
  }
});

t.test('three soft bounces within 30 days suppress for 30 days', async (t) => {
  t.notOk(isSuppressed(after([0, 'soft_bounce'], [1, 'soft_bounce']), day(1)));
  const state = after([0, 'soft_bounce'], [10, 'soft_bounce'], [30, 'soft_bounce']);
  t.match(state, { reason: 'soft_bounces', bounces: 3, until: day(60) });
  t.ok(isSuppressed(state, new Date(day(60).getTime() - 1)));
  t.notOk(isSuppressed(state, day(60)));
});

t.test('soft bounces decay: those of an earlier window do not count', async (t) => {
  const state = after([0, 'soft_bounce'], [10, 'soft_bounce'], [31, 'soft_bounce']);
  t.match(state, { bounces: 1, countedSince: day(31), active: false });
  const again = after([0, 'soft_bounce'], [1, 'soft_bounce'], [2, 'soft_bounce'], [40, 'soft_bounce']);
  t.notOk(isSuppressed(again, day(40)), 'after the pause it begins anew');
});

t.test('a weaker reason never replaces a stronger one in force; a stronger one does', async (t) => {
  t.equal(after([0, 'complaint'], [1, 'hard_bounce']).reason, 'complaint');
  t.equal(after([0, 'complaint'], [1, 'manual']).reason, 'complaint');
  t.equal(after([0, 'manual'], [1, 'hard_bounce']).reason, 'hard_bounce');
  t.equal(after([0, 'hard_bounce'], [1, 'complaint']).reason, 'complaint');
  t.match(after([0, 'manual'], [1, 'soft_bounce'], [2, 'soft_bounce'], [3, 'soft_bounce']), {
    reason: 'manual',
    until: null,
  });
  t.equal(after([0, 'soft_bounce'], [0, 'soft_bounce'], [0, 'soft_bounce'], [1, 'manual']).reason, 'manual');
});

t.test('a lifted address starts from nothing, also for a reason that was weaker', async (t) => {
  const state = lifted(after([0, 'complaint'], [0, 'soft_bounce'], [0, 'soft_bounce']), day(1));
  t.match(suppressionAfter(state, 'soft_bounce', day(2)), { bounces: 1, active: false });
  t.match(suppressionAfter(state, 'manual', day(2)), { reason: 'manual', active: true });
});

t.test('property: what lasts is never shortened, and hearing the same again changes no reason', async (t) => {
  const events = fc.array(fc.tuple(fc.nat(40), fc.constantFrom(...SUPPRESSION_CAUSES)), { maxLength: 20 });
  fc.assert(
    fc.property(events, (list) => {
      let at = 0;
      let state = unlisted(START);
      for (const [pause, cause] of list) {
        at += pause;
        const next = suppressionAfter(state, cause, day(at));
        if (state.active && state.until === null && (!next.active || next.until !== null)) return false;
        const again = suppressionAfter(next, cause, day(at));
        if (cause !== 'soft_bounce' && again.reason !== next.reason) return false;
        state = next;
      }
      return true;
    }),
  );
  t.pass();
});
