// Sales agents, and who they look after.
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import type { PageStart } from '../domain/pages.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { isPresent } from './customers.ts';
import { customers } from './tables/customers.ts';
import { salesAgents } from './tables/sales-agents.ts';

export type AgentRow = typeof salesAgents.$inferSelect;
export type AgentChange = Partial<Omit<AgentRow, 'storeId' | 'id' | 'createdAt'>>;

const find = prepared<{ id: string }>()('find_agent', (queries, p) =>
  queries
    .select()
    .from(salesAgents)
    .where(and(eq(salesAgents.storeId, p.storeId), eq(salesAgents.id, p.id))),
);

export const findAgent = async (db: Db, id: string): Promise<AgentRow | undefined> =>
  (await find(db, { id }))[0];

/** The locked row: nobody can be given to the agent until the transaction ends. */
export async function lockAgent(tx: Tx, id: string): Promise<AgentRow | undefined> {
  const [row] = await tx.use(({ queries }) =>
    queries
      .select()
      .from(salesAgents)
      .where(and(eq(salesAgents.storeId, tx.storeId), eq(salesAgents.id, id)))
      .for('update'),
  );
  return row;
}

const findByCalendar = prepared<{ calendarHash: Buffer }>()('find_agent_by_calendar', (queries, p) =>
  queries
    .select({ id: salesAgents.id, name: salesAgents.name })
    .from(salesAgents)
    .where(
      and(
        eq(salesAgents.storeId, p.storeId),
        eq(salesAgents.calendarHash, p.calendarHash),
        eq(salesAgents.active, true),
      ),
    ),
);

/** The active agent whose calendar secret has this hash. */
export const findAgentByCalendar = async (db: Db, calendarHash: Buffer) =>
  (await findByCalendar(db, { calendarHash }))[0];

/** Agents in the order in which they were added. */
export const listAgents = (
  db: Db,
  { active }: { active: boolean | undefined },
  { after, limit }: PageStart<[id: string]>,
): Promise<AgentRow[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(salesAgents)
      .where(
        and(
          eq(salesAgents.storeId, db.storeId),
          active === undefined ? undefined : eq(salesAgents.active, active),
          after ? gt(salesAgents.id, after[0]) : undefined,
        ),
      )
      .orderBy(asc(salesAgents.id))
      .limit(limit),
  );

/** Ids of the agent's customers in the order in which they were added. */
export const listCustomerIdsOf = (
  db: Db,
  agentId: string,
  { after, limit }: PageStart<[id: string]>,
): Promise<{ id: string }[]> =>
  db.use(({ queries }) =>
    queries
      .select({ id: customers.id })
      .from(customers)
      .where(
        and(
          eq(customers.storeId, db.storeId),
          eq(customers.salesAgentId, agentId),
          isPresent,
          after ? gt(customers.id, after[0]) : undefined,
        ),
      )
      .orderBy(asc(customers.id))
      .limit(limit),
  );

const countUses = statement<{ id: string }, { customers: number; tasks: number }>(
  'count_agent_uses',
  (p) => sql`
    select
      (select count(*)::integer from customers c where c.store_id = ${p.storeId} and c.sales_agent_id = ${p.id}
        and c.account_status not in ('merged', 'erased')) as customers,
      (select count(*)::integer from tasks t where t.store_id = ${p.storeId} and t.assignee_id = ${p.id}) as tasks`,
);

/** Present customers and tasks of the agent. */
export async function countUsesOf(tx: Tx, id: string): Promise<{ customers: number; tasks: number }> {
  return (await countUses(tx, { id }))[0] ?? { customers: 0, tasks: 0 };
}

/** Merged and erased customers forget the agent: they are in nobody's list. */
export const forgetAgent = statement<{ id: string }, never>(
  'forget_agent',
  (p) => sql`
    update customers set sales_agent_id = null
    where store_id = ${p.storeId} and sales_agent_id = ${p.id} and account_status in ('merged', 'erased')`,
);

export const insertAgent = (tx: Tx, agent: Omit<AgentRow, 'storeId'>): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(salesAgents).values({ ...agent, storeId: tx.storeId }));

export const updateAgent = (tx: Tx, id: string, change: AgentChange): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .update(salesAgents)
      .set(change)
      .where(and(eq(salesAgents.storeId, tx.storeId), eq(salesAgents.id, id))),
  );

export const deleteAgent = (tx: Tx, id: string): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries.delete(salesAgents).where(and(eq(salesAgents.storeId, tx.storeId), eq(salesAgents.id, id))),
  );

const names = prepared()('list_agent_names', (queries, p) =>
  queries
    .select({ id: salesAgents.id, name: salesAgents.name })
    .from(salesAgents)
    .where(eq(salesAgents.storeId, p.storeId)),
);

/** Names of all agents by id: a store has few. */
export const listAgentNames = async (db: Db): Promise<Map<string, string>> =>
  new Map((await names(db, {})).map(({ id, name }) => [id, name]));
