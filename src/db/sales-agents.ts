// Sales agents.
import { and, eq } from 'drizzle-orm';
import { type Db, prepared } from './connection.ts';
import { salesAgents } from './tables/sales-agents.ts';

export type AgentRow = typeof salesAgents.$inferSelect;

const find = prepared<{ id: string }>()('find_agent', (queries, p) =>
  queries
    .select()
    .from(salesAgents)
    .where(and(eq(salesAgents.storeId, p.storeId), eq(salesAgents.id, p.id))),
);

export const findAgent = async (db: Db, id: string): Promise<AgentRow | undefined> => (await find(db, { id }))[0];
