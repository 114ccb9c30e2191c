import t from 'tap';
import { type FeedTask, writeCalendar } from '../../src/clients/calendar-feed.ts';

const task = (more: Partial<FeedTask> = {}): FeedTask => ({
  id: '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11',
  title: 'Call',
  description: null,
  dueAt: new Date('2026-03-02T08:00:00Z'),
  day: null,
  doneAt: null,
  version: 3,
  createdAt: new Date('2026-01-01T00:00:00Z'),
  updatedAt: new Date('2026-01-02T00:00:00Z'),
  ...more,
});
const EVIL = 'x\r\nBEGIN:VEVENT\r\nSUMMARY:evil';

t.test('nobody breaks out of a text: names, titles and descriptions stay one property each', async (t) => {
  const feed = writeCalendar(EVIL, [task({ title: EVIL, description: `${EVIL}\u0001` })]);
  const lines = feed.split('\r\n');
  t.equal(lines.filter((line) => line === 'BEGIN:VEVENT').length, 1);
  t.notOk(lines.includes('SUMMARY:evil'));
  t.notOk(feed.includes('\u0001'));
  t.ok(lines.includes('NAME:x\\nBEGIN:VEVENT\\nSUMMARY:evil'));
});

t.test('the same tasks are the same bytes, in whatever zone this machine is', async (t) => {
  const tasks = [task(), task({ day: new Date('2026-03-02T00:00:00Z') })];
  const zone = process.env.TZ;
  t.teardown(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });
  const texts = ['UTC', 'Pacific/Kiritimati', 'Pacific/Pago_Pago'].map((name) => {
    process.env.TZ = name;
    return writeCalendar('Eva', tasks);
  });
  t.equal(new Set(texts).size, 1);
  t.match(texts[0], 'DTSTART:20260302T080000Z');
  t.match(texts[0], 'DTSTART;VALUE=DATE:20260302');
});

t.test('lines are folded at 75 octets, also through characters of several', async (t) => {
  const feed = writeCalendar('Eva', [task({ title: 'ü😀'.repeat(60), doneAt: new Date(0) })]);
  t.ok(feed.split('\r\n').every((line) => Buffer.byteLength(line) <= 75));
  t.match(feed.replaceAll('\r\n ', ''), `SUMMARY:✓ ${'ü😀'.repeat(60)}`);
});
