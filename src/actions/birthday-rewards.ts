// Points for birthdays (P8): every night for members whose birthday it is on the store's calendar, or was since the last
// run; once per customer and calendar year, whatever the birthday is edited to.
import type { Ctx } from '../context.ts';
import { findLastBirthdayRun, listBirthdayMembers } from '../db/birthday-members.ts';
import type { Tx } from '../db/connection.ts';
import { type CustomerRow, lockCustomers } from '../db/customers.ts';
import type { JobRow } from '../db/jobs.ts';
import { lockMembers, type MemberRow, updateMembers } from '../db/loyalty-members.ts';
import type { CalendarDay } from '../domain/customers.ts';
import {
  birthdaySourceId,
  birthdaysOn,
  daysToCelebrate,
  isBirthdayRewardDue,
} from '../domain/loyalty/birthdays.ts';
import { storeOf } from './customers.ts';
import type { Slice } from './jobs.ts';
import { earnForEvents } from './loyalty-earnings.ts';
import { currentProgramme } from './loyalty-programme.ts';

/** Members of one slice. */
const CELEBRATED_AT_ONCE = 500;

/** Where a run stands: its days stay what they were when it began, be it past midnight by now. */
interface Position {
  days: CalendarDay[];
  after: string;
}

/** A member with the day whose reward is due. */
interface Celebrated {
  member: MemberRow;
  year: number;
}

async function daysOf(ctx: Ctx, tx: Tx, { id, position }: JobRow): Promise<CalendarDay[]> {
  const { days } = position as Partial<Position>;
  if (days) return days;
  const { timezone } = await storeOf({ ...ctx, db: tx });
  return daysToCelebrate(await findLastBirthdayRun(tx, id), ctx.now, timezone);
}

function celebrated(
  { birthdayMonth: month, birthdayDay: day }: CustomerRow,
  member: MemberRow | undefined,
  days: readonly CalendarDay[],
): Celebrated[] {
  if (month === null || day === null || member?.status !== 'active') return [];
  const due = days.find((one) => isBirthdayRewardDue({ month, day }, member.birthdayRewardedYear, one));
  return due ? [{ member, year: due.year }] : [];
}

/** Under the locks of customers and members: a birthday may have been edited, a member have left. */
async function lockCelebrated(
  tx: Tx,
  ids: readonly string[],
  days: readonly CalendarDay[],
): Promise<Celebrated[]> {
  const customers = await lockCustomers(tx, ids);
  const members = new Map((await lockMembers(tx, ids)).map((member) => [member.customerId, member]));
  return customers.flatMap((customer) => celebrated(customer, members.get(customer.id), days));
}

async function rewardBirthdays(ctx: Ctx, tx: Tx, due: readonly Celebrated[]): Promise<void> {
  const years = new Map(due.map(({ member, year }) => [member.customerId, year]));
  await earnForEvents(
    ctx,
    tx,
    [...years].map(([customerId, year]) => ({
      customerId,
      kind: 'birthday' as const,
      sourceId: birthdaySourceId(customerId, year),
      at: ctx.now,
    })),
  );
  // Earning has changed the members, so they are read again.
  const members = await lockMembers(tx, [...years.keys()]);
  await updateMembers(
    tx,
    members.map((member) => ({
      ...member,
      birthdayRewardedYear: years.get(member.customerId) ?? member.birthdayRewardedYear,
    })),
  );
}

/** A page of members with a birthday on one of the days; nothing where no rule rewards birthdays. */
export const birthdayRewardsSlice: Slice = async (ctx, tx, job) => {
  const programme = await currentProgramme(tx);
  if (!programme?.settings.rules.some(({ event }) => event === 'birthday')) return { done: 0, outcomes: {} };
  const days = await daysOf(ctx, tx, job);
  const birthdays = days.flatMap(birthdaysOn);
  const { after = null } = job.position as Partial<Position>;
  const rows = await listBirthdayMembers(tx, {
    months: birthdays.map(({ month }) => month),
    days: birthdays.map(({ day }) => day),
    after,
    limit: CELEBRATED_AT_ONCE,
  });
  const ids = rows.map(({ id }) => id);
  const due = ids.length === 0 ? [] : await lockCelebrated(tx, ids, days);
  if (due.length > 0) await rewardBirthdays(ctx, tx, due);
  const last = rows.at(-1);
  const isLast = rows.length < CELEBRATED_AT_ONCE || last === undefined;
  return {
    done: rows.length,
    outcomes: { rewarded: due.length },
    ...(isLast ? {} : { position: { days, after: last.id } }),
  };
};
