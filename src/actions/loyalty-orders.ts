// Points that follow from changed orders, in the orders' own transaction (O4, P1–P3, P6, P7).
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { listEarningsOfOrders } from '../db/loyalty-earnings.ts';
import { lockMembers } from '../db/loyalty-members.ts';
import type { StoredOrder } from '../db/orders.ts';
import { countedBase } from '../domain/loyalty/earning.ts';
import { beginsToCount, type PointsChange } from '../domain/loyalty/order-points.ts';
import { changePoints, type Earner, openPoints } from './loyalty-earnings.ts';
import { ensureMembers, type LockedCustomer } from './loyalty-members.ts';
import type { PointsRoom } from './points-booking.ts';

/** A change of an order; the customers before and after are locked. */
export interface OrderPoints {
  before: StoredOrder | undefined;
  after: StoredOrder;
}

/** Orders that begin to count and have something that a rule rewards: their customers become members, if that is how. */
function earnersOf({ programme, store }: PointsRoom, changes: readonly PointsChange[]): Earner[] {
  const rules = programme.settings.rules.filter(({ kind }) => kind !== 'event');
  return changes.flatMap((change) => {
    const { after } = change;
    const earns = beginsToCount(change) && rules.some((rule) => countedBase(rule, after, store.currency) > 0);
    return earns ? [{ customerId: after.customerId, at: after.placedAt }] : [];
  });
}

const ownersOf = (changes: readonly PointsChange[]): Set<string> =>
  new Set(changes.flatMap(({ before, after }) => [after.customerId, ...(before ? [before.customerId] : [])]));

/** Earns, takes back and gives back points for a batch of changed orders, whose customers are locked. */
export async function changeOrderPoints(
  ctx: Ctx,
  tx: Tx,
  customers: readonly LockedCustomer[],
  changes: readonly OrderPoints[],
): Promise<void> {
  const room = await openPoints(ctx, tx);
  if (!room) return;
  const earners = earnersOf(room, changes);
  const earliest = new Map(
    [...earners]
      .sort((one, other) => other.at.getTime() - one.at.getTime())
      .map(({ customerId, at }) => [customerId, at]),
  );
  const owners = ownersOf(changes);
  const ensured = await ensureMembers(
    ctx,
    tx,
    room.programme,
    customers.flatMap((customer) => {
      const activityAt = earliest.get(customer.id);
      return activityAt ? [{ ...customer, activityAt }] : [];
    }),
  );
  const others = [...owners].filter((id) => !ensured.has(id));
  const members = [...ensured.values(), ...(await lockMembers(tx, others))];
  const known = changes.flatMap(({ before }) => (before ? [before.id] : []));
  const earnings = known.length === 0 ? [] : await listEarningsOfOrders(tx, [...new Set(known)]);
  await changePoints(room, { members, earners, earnings, changes }, (walk) => {
    for (const change of changes) walk.takeOrder(change);
  });
}
