// Fills a store with the demo customers and orders, through the actions that everything else goes through, so that
// counters, timeline and addresses are as if they had come one by one.
import type { Ctx } from '../context.ts';
import { findByIdentity, hasCustomers } from '../db/customers.ts';
import { findGroupByKey } from '../db/groups.ts';
import { findProgramme } from '../db/loyalty-programme.ts';
import { DAY_MS, daysAfter } from '../domain/days.ts';
import {
  DEMO_GIFTS,
  DEMO_PROGRAMME,
  DEMO_SIZES,
  type DemoCustomer,
  type DemoOrder,
  type DemoSizes,
  demoStore,
} from '../domain/demo.ts';
import { groupKey } from '../domain/groups.ts';
import { MAX_ORDER_BATCH } from '../domain/orders.ts';
import { Problem } from '../errors.ts';
import { changeCredit } from './credit.ts';
import { createCustomer } from './customer-profiles.ts';
import { storeOf } from './customers.ts';
import { putProgramme } from './loyalty-programme.ts';
import { ingestOrders } from './orders.ts';
import { changePointsOf } from './points.ts';
import { createAgent } from './sales-agents.ts';
import { createTask } from './tasks.ts';

export interface Seeded {
  customers: number;
  orders: number;
}

/** Customers that are written at a time; more would only wait for connections. */
const AT_ONCE = 4;
const TASKS = ['Call back about the trade terms', 'Send the winter catalogue', 'Check the returned tent'];
const AGENTS = ['Ines Keller', 'Samir Weber', 'Thea Lorenz'];

const isKnown = (error: unknown): boolean =>
  error instanceof Problem && (error.code === 'EMAIL_TAKEN' || error.code === 'EXTERNAL_ID_TAKEN');

function chunksOf<T>(values: readonly T[], size: number): T[][] {
  const count = Math.ceil(values.length / size);
  return Array.from({ length: count }, (_, index) => values.slice(index * size, (index + 1) * size));
}

async function groupIdsByName(ctx: Ctx, names: Iterable<string>): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  for (const name of new Set(names)) {
    const group = await findGroupByKey(ctx.db, groupKey(name));
    if (group) ids.set(name, group.id);
  }
  return ids;
}

/** Whether the customer is new; one that was seeded before is left as it is. */
async function addCustomer(
  ctx: Ctx,
  customer: DemoCustomer,
  groupId: string | undefined,
  salesAgentId: string | undefined,
): Promise<boolean> {
  const { groupName: _, address: __, createdAt, note, ...fields } = customer;
  try {
    await createCustomer(
      { ...ctx, now: createdAt },
      {
        ...fields,
        source: 'import',
        ...(note && { note }),
        ...(groupId && { groupIds: [groupId], primaryGroupId: groupId }),
        ...(salesAgentId && { salesAgentId }),
      },
    );
    return true;
  } catch (error) {
    if (isKnown(error)) return false;
    throw error;
  }
}

async function addCustomers(
  ctx: Ctx,
  customers: readonly DemoCustomer[],
  agentIds: readonly string[],
): Promise<number> {
  const groups = await groupIdsByName(
    ctx,
    customers.map((customer) => customer.groupName),
  );
  let added = 0;
  for (const chunk of chunksOf(customers, AT_ONCE)) {
    const areNew = await Promise.all(
      chunk.map((customer, index) => {
        const agentId = customer.wholesale ? agentIds[index % agentIds.length] : undefined;
        return addCustomer(ctx, customer, groups.get(customer.groupName), agentId);
      }),
    );
    added += areNew.filter(Boolean).length;
  }
  return added;
}

async function addOrders(ctx: Ctx, orders: readonly DemoOrder[]): Promise<number> {
  let added = 0;
  for (const batch of chunksOf(orders, MAX_ORDER_BATCH)) {
    const deliveries = batch.map(({ externalId, customerExternalId, order }) => ({
      externalId,
      customer: { externalId: customerExternalId },
      order,
    }));
    const results = await ingestOrders(ctx, deliveries);
    added += results.filter((result) => result.outcome === 'created').length;
  }
  return added;
}

/** What the agents have to do: something overdue, something today, something later. */
async function addTasks(ctx: Ctx, agentIds: readonly string[]): Promise<void> {
  for (const [index, title] of TASKS.entries()) {
    const dueAt = daysAfter(ctx.now, index - 1).toISOString();
    await createTask(ctx, { title, dueAt, assigneeId: agentIds[index % agentIds.length] ?? null });
  }
}

/** Credit and points by hand, so that there is something to look at, hold and spend. */
async function addGifts(ctx: Ctx, customers: readonly DemoCustomer[], currency: string): Promise<void> {
  const active = customers.filter(({ accountStatus }) => accountStatus === 'active');
  for (const [index, { credit, points, reason }] of DEMO_GIFTS.entries()) {
    const externalId = active[index]?.externalId;
    const [customer] = externalId ? await findByIdentity(ctx.db, { externalId }) : [];
    if (!customer) continue;
    if (credit > 0) await changeCredit(ctx, customer.id, { amount: credit, currency, reason });
    if (points > 0) await changePointsOf(ctx, customer.id, { amount: points, reason });
  }
}

/** Midnight before `now`: the same day gives the same store. */
const startOfDay = (now: Date): Date => new Date(now.getTime() - (now.getTime() % DAY_MS));

/**
 * Adds the demo store's customers and orders, and a loyalty programme where there is none; to an empty store tasks and
 * some gifts, too. Doing it again the same day adds nothing.
 * @returns how many were added; undefined when the store has customers already and `force` is not set
 */
export async function seedStore(
  ctx: Ctx,
  { force = false, sizes = DEMO_SIZES }: { force?: boolean; sizes?: DemoSizes } = {},
): Promise<Seeded | undefined> {
  const isEmpty = !(await hasCustomers(ctx.db));
  if (!isEmpty && !force) return undefined;
  const { currency } = await storeOf(ctx);
  const { customers, orders } = demoStore(startOfDay(ctx.now), currency, sizes);
  const agents = isEmpty ? await Promise.all(AGENTS.map((name) => createAgent(ctx, { name }))) : [];
  const agentIds = agents.map((agent) => agent.id);
  if (isEmpty) await addTasks(ctx, agentIds);
  if (!(await findProgramme(ctx.db))) await putProgramme(ctx, DEMO_PROGRAMME);
  const added = await addCustomers(ctx, customers, agentIds);
  const ordersAdded = await addOrders(ctx, orders);
  if (isEmpty) await addGifts(ctx, customers, currency);
  return { customers: added, orders: ordersAdded };
}
