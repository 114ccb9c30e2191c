import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { COUNTRIES } from '../../../src/domain/countries.ts';
import { zoneOfCountry } from '../../../src/domain/country-zones.ts';
import {
  CAMPAIGN_COMMANDS,
  CAMPAIGN_STATUSES,
  type CampaignCommand,
  type CampaignStatus,
  DEFAULT_PLAN,
  dueIn,
  FINAL_STATUSES,
  firstSendAt,
  localTimeIn,
  localTimeOf,
  namesAnybody,
  offerCode,
  planCommand,
  reconcile,
  type StartFacts,
  shouldBrake,
  startObstacles,
} from '../../../src/domain/mail/campaigns.ts';

/** Where each command leads; everywhere else it is refused. */
const TABLE: Record<CampaignCommand, Partial<Record<CampaignStatus, CampaignStatus>>> = {
  schedule: { draft: 'scheduled', scheduled: 'scheduled' },
  send: { draft: 'preparing', scheduled: 'preparing' },
  pause: { running: 'paused' },
  resume: { paused: 'running' },
  cancel: { scheduled: 'cancelled', preparing: 'cancelled', running: 'cancelled', paused: 'cancelled' },
  change: { draft: 'draft', scheduled: 'scheduled' },
  simulate: { draft: 'draft', scheduled: 'scheduled' },
  delete: { draft: 'draft' },
  prepare: { scheduled: 'preparing' },
  run: { preparing: 'running' },
  brake: { running: 'paused' },
  complete: { running: 'completed' },
  expire: { scheduled: 'expired', preparing: 'expired', running: 'expired', paused: 'expired' },
  fail: { scheduled: 'failed', preparing: 'failed', running: 'failed', paused: 'failed' },
};

t.test('each command leads where the table says, and is refused with a way out elsewhere', async (t) => {
  for (const command of CAMPAIGN_COMMANDS) {
    for (const status of CAMPAIGN_STATUSES) {
      const planned = planCommand(status, command);
      const to = TABLE[command][status];
      if (to) t.same(planned, { to }, `${command} ${status}`);
      else {
        t.match(
          planned,
          { refused: 'CAMPAIGN_STATE_CONFLICT', campaignStatus: status, command },
          `${command} ${status}`,
        );
        t.ok('wayOut' in planned && planned.wayOut.length > 10, 'with a way out');
      }
    }
  }
});

t.test('nothing leads out of a final state', async (t) => {
  for (const status of FINAL_STATUSES)
    t.ok(
      CAMPAIGN_COMMANDS.every((command) => 'refused' in planCommand(status, command)),
      status,
    );
});

const READY: StartFacts = {
  plan: { ...DEFAULT_PLAN, audience: { everyone: true } },
  deadline: null,
  startsAt: new Date('2026-06-01T10:00:00Z'),
  template: { class: 'marketing', published: 3, archivedAt: null },
  topic: { archivedAt: null },
  mail: { marketingSender: null, postalAddress: 'Main Street 1' },
  sender: { name: 'Shop', email: 'shop@example.com' },
  fallbackSender: null,
  unknown: [],
};
const codes = (facts: Partial<StartFacts>): string[] =>
  startObstacles({ ...READY, ...facts }).map(({ code }) => code);

t.test('M7 every obstacle to a start is told, all of them at once', async (t) => {
  t.same(codes({}), []);
  t.same(codes({ template: undefined }), ['TEMPLATE_UNKNOWN']);
  const archivedAt = new Date();
  t.same(codes({ template: { class: 'transactional', published: null, archivedAt } }), [
    'TEMPLATE_UNPUBLISHED',
    'TEMPLATE_ARCHIVED',
    'TEMPLATE_NOT_MARKETING',
  ]);
  t.same(codes({ topic: undefined }), ['TOPIC_UNKNOWN']);
  t.same(codes({ topic: { archivedAt } }), ['TOPIC_ARCHIVED']);
  t.same(codes({ mail: { marketingSender: null, postalAddress: null } }), ['POSTAL_ADDRESS_MISSING']);
  t.same(codes({ sender: null }), ['SENDER_MISSING']);
  t.same(codes({ sender: null, fallbackSender: READY.sender }), []);
  t.same(codes({ sender: null, mail: { ...READY.mail, marketingSender: READY.sender } }), []);
  t.same(codes({ plan: { ...READY.plan, audience: { tags: [] } } }), ['AUDIENCE_EMPTY']);
  t.same(codes({ unknown: ['/audience/tags/0'] }), ['REFERENCE_UNKNOWN']);
  t.same(codes({ plan: { ...READY.plan, sendMode: 'local_time' } }), ['SCHEDULE_MISSING']);
  t.same(codes({ deadline: READY.startsAt }), ['DEADLINE_PASSED']);
  t.same(codes({ deadline: new Date('2026-06-01T10:00:01Z') }), []);
  t.equal(codes({ template: undefined, topic: undefined, sender: null, deadline: READY.startsAt }).length, 4);
  t.notOk(namesAnybody({ everyone: false, segmentIds: [], customerIds: [] }));
});

t.test(
  'mails go when each clock shows the time, over changes of the clock and beyond the date line',
  async (t) => {
    const at = new Date('2026-10-25T09:00:00Z');
    const localTime = localTimeOf(at, 'Europe/Berlin');
    t.equal(localTime, '2026-10-25T10:00:00');
    const startsAt = firstSendAt(localTime);
    t.equal(
      startsAt.toISOString(),
      '2026-10-24T20:00:00.000Z',
      'the first clock of the world is 14 hours ahead',
    );
    const due = (zone: string, plan = { localTime }) =>
      dueIn(zone, { plan, startsAt, quietHours: null }).toISOString();
    t.equal(due('Pacific/Kiritimati'), startsAt.toISOString());
    t.equal(due('Asia/Tokyo'), '2026-10-25T01:00:00.000Z');
    t.equal(due('Europe/Berlin'), '2026-10-25T09:00:00.000Z', 'winter time began that night');
    t.equal(due('America/New_York'), '2026-10-25T14:00:00.000Z', 'summer time goes on there');
    t.equal(
      localTimeIn('2026-10-25T02:30:00', 'Europe/Berlin').toISOString(),
      '2026-10-25T00:30:00.000Z',
      'first',
    );
    t.equal(
      localTimeIn('2026-03-29T02:30:00', 'Europe/Berlin').toISOString(),
      '2026-03-29T01:00:00.000Z',
      'skipped',
    );
    const late = new Date('2026-10-25T05:00:00Z');
    t.equal(
      dueIn('Asia/Tokyo', { plan: { localTime }, startsAt: late, quietHours: null }),
      late,
      'whose clock has passed it gets it at once',
    );
    const quietHours = { from: '09:00', to: '11:00' };
    t.equal(
      dueIn('Asia/Tokyo', { plan: { localTime }, startsAt, quietHours }).toISOString(),
      '2026-10-25T02:00:00.000Z',
    );
    t.equal(
      dueIn('Asia/Tokyo', { plan: {}, startsAt: late, quietHours: null }),
      late,
      'instant: the same for all',
    );
  },
);

t.test('local times come back from every zone', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2028, 0, 1) }),
        fc.constantFrom('Europe/Berlin', 'Australia/Lord_Howe', 'America/St_Johns', 'Etc/GMT-14'),
        (ms, zone) => {
          const local = localTimeOf(new Date(ms), zone);
          const shown = localTimeOf(localTimeIn(local, zone), zone);
          return shown === local && localTimeIn(local, zone) <= new Date(ms);
        },
      ),
    ),
  );
});

t.test('every country has a zone, the one where most people live', async (t) => {
  t.equal(zoneOfCountry('DE'), 'Europe/Berlin');
  t.equal(zoneOfCountry('US'), 'America/New_York');
  t.equal(zoneOfCountry('JP'), 'Asia/Tokyo');
  const without = COUNTRIES.filter(({ code }) => zoneOfCountry(code) === undefined).map(({ code }) => code);
  t.same(
    without.filter((code) => !['BV', 'HM'].includes(code)),
    [],
    'but two islands without people',
  );
  for (const { code } of COUNTRIES) {
    const zone = zoneOfCountry(code);
    if (zone) t.doesNotThrow(() => dueIn(zone, { plan: {}, startsAt: new Date(), quietHours: null }), code);
  }
});

t.test('the brake takes hold at its share, never below the minimum', async (t) => {
  const brake = { bouncePercent: 5, complaintPercent: 0.5, minimum: 100 };
  const counts = (sent: number, bounced: number, complained = 0) =>
    shouldBrake({ sent, bounced, complained }, brake);
  t.equal(counts(99, 99, 99), undefined, 'too few to tell');
  t.equal(counts(100, 4), undefined);
  t.equal(counts(100, 5), 'bounce_brake');
  t.equal(counts(1000, 0, 4), undefined);
  t.equal(counts(1000, 0, 5), 'complaint_brake');
  t.equal(counts(1000, 500, 5), 'complaint_brake', 'complaints weigh more');
  t.equal(shouldBrake({ sent: 0, bounced: 0, complained: 0 }, { ...brake, minimum: 0 }), undefined);
});

t.test('offer codes are the prefix and 12 letters that nobody misreads, each mail its own', async (t) => {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  t.match(offerCode('SPRING-', hash('one')), /^SPRING-[0-9A-HJKMNP-TV-Z]{12}$/);
  t.equal(offerCode('X', hash('one')), offerCode('X', hash('one')));
  const made = new Set(Array.from({ length: 20_000 }, (_, n) => offerCode('', hash(String(n)))));
  t.equal(made.size, 20_000);
});

t.test('the audience is the sum of its states', async (t) => {
  const states = [
    { status: 'sent', reason: null, count: 2_200_000_000 },
    { status: 'skipped', reason: 'holdout', count: 5 },
  ] as const;
  t.same(reconcile(2_200_000_005, states), {
    audience: 2_200_000_005,
    total: 2_200_000_005,
    balanced: true,
  });
  t.equal(reconcile(4, states).balanced, false);
  t.same(reconcile(null, []), { audience: 0, total: 0, balanced: true }, 'before it is frozen');
});
