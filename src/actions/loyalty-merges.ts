// What a merge of customers does to their memberships and earnings, and the way back (C10). The points move with the ledger.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { moveEarnings, returnEarnings } from '../db/loyalty-earnings.ts';
import { lockMembers, type MemberRow, recountPoints, updateMembers } from '../db/loyalty-members.ts';
import { findProgramme } from '../db/loyalty-programme.ts';
import { storeOf } from './customers.ts';
import { ensureMembers } from './loyalty-members.ts';
import { settleTiers, tierRoom } from './tiers.ts';

/** Two customers whose locks are held. */
interface Pair {
  fromId: string;
  intoId: string;
}

/** The survivor is a member if one of both was, and keeps a tier that was given by hand to either. */
function survivorOf(ctx: Ctx, into: MemberRow, from: MemberRow): MemberRow {
  const isActive = into.status === 'active' || from.status === 'active';
  const { overrideTier, overrideUntil, overrideReason } = into.overrideTier === null ? from : into;
  return {
    ...into,
    status: isActive ? 'active' : 'left',
    leftAt: isActive ? null : into.leftAt,
    lastActivityAt: new Date(Math.max(into.lastActivityAt.getTime(), from.lastActivityAt.getTime())),
    overrideTier,
    overrideUntil,
    overrideReason,
    updatedAt: ctx.now,
  };
}

async function settle(ctx: Ctx, tx: Tx, customerIds: readonly string[]): Promise<void> {
  await recountPoints(tx, customerIds);
  const programme = await findProgramme(tx);
  if (!programme) return;
  const active = (await lockMembers(tx, customerIds)).filter(({ status }) => status === 'active');
  await settleTiers(ctx, tx, tierRoom(programme, await storeOf({ ...ctx, db: tx }), ctx.now), active);
}

/** C10: what the one earned is the survivor's, who becomes a member if need be; the other has left. */
export async function mergeMembers(ctx: Ctx, tx: Tx, { fromId, intoId }: Pair): Promise<void> {
  const [from] = await lockMembers(tx, [fromId]);
  if (!from) return;
  await moveEarnings(tx, { fromId, intoId });
  const customer = { id: intoId, accountStatus: 'active', activityAt: from.lastActivityAt } as const;
  const members = await ensureMembers(ctx, tx, { settings: { enrolment: 'at_first_earn' } }, [customer]);
  const into = members.get(intoId);
  await updateMembers(tx, [
    ...(into ? [survivorOf(ctx, into, from)] : []),
    { ...from, status: 'left', leftAt: from.leftAt ?? ctx.now, tierDueAt: null, updatedAt: ctx.now },
  ]);
  await settle(ctx, tx, [intoId, fromId]);
}

/** Takes that back: who left by the merge itself is a member again. Orders and points have gone back before. */
export async function unmergeMembers(ctx: Ctx, tx: Tx, pair: Pair & { mergedAt: Date }): Promise<void> {
  const [from] = await lockMembers(tx, [pair.fromId]);
  if (!from) return;
  await returnEarnings(tx, pair);
  if (from.leftAt?.getTime() === pair.mergedAt.getTime())
    await updateMembers(tx, [{ ...from, status: 'active', leftAt: null, updatedAt: ctx.now }]);
  await settle(ctx, tx, [pair.intoId, pair.fromId]);
}
