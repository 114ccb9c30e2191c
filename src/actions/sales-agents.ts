// Sales agents: add, change, remove, and the secret of their calendar feed.
import { randomBytes } from 'node:crypto';
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import {
  type AgentChange,
  type AgentRow,
  countUsesOf,
  deleteAgent as deleteRow,
  forgetAgent,
  insertAgent,
  lockAgent,
  updateAgent as updateRow,
} from '../db/sales-agents.ts';
import { changedFields } from '../domain/customers.ts';
import { type AgentInput, checkAgentDelete, normaliseAgent } from '../domain/sales-agents.ts';
import { accepted, Problem } from '../errors.ts';
import { hashKey } from './api-keys.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** An agent as the API shows it. */
export type Agent = Omit<AgentRow, 'storeId' | 'calendarHash'> & { hasCalendar: boolean };

export const agentOf = ({ storeId: _, calendarHash, ...agent }: AgentRow): Agent => ({
  ...agent,
  hasCalendar: calendarHash !== null,
});

const TOLD = ['name', 'email', 'active'] as const;

async function lockPresentAgent(tx: Tx, id: string, ifMatch?: number): Promise<AgentRow> {
  const row = await lockAgent(tx, id);
  if (!row) throw new Problem('NOT_FOUND', { resource: 'agent' });
  if (ifMatch !== undefined && ifMatch !== row.version)
    throw new Problem('VERSION_MISMATCH', { version: row.version });
  return row;
}

async function changeAgent(
  ctx: Ctx,
  tx: Tx,
  row: AgentRow,
  change: AgentChange,
  told: object,
): Promise<Agent> {
  const next = { ...change, version: row.version + 1, updatedAt: ctx.now };
  await updateRow(tx, row.id, next);
  await tell(ctx, tx, {
    kind: 'agent.changed',
    customerId: null,
    subjectId: row.id,
    data: { changes: told },
  });
  return agentOf({ ...row, ...next });
}

/**
 * Adds a sales agent.
 * @throws Problem AGENT_INVALID
 */
export function createAgent(ctx: Ctx, input: AgentInput & { name: string }): Promise<Agent> {
  return write(ctx, async (tx) => {
    const { fields } = accepted(normaliseAgent(input));
    const times = { createdAt: ctx.now, updatedAt: ctx.now };
    const agent = {
      name: '',
      email: null,
      active: true,
      ...fields,
      id: ctx.newId(),
      calendarHash: null,
      version: 1,
      ...times,
    };
    await insertAgent(tx, agent);
    await tell(ctx, tx, { kind: 'agent.created', customerId: null, subjectId: agent.id });
    return agentOf({ ...agent, storeId: ctx.storeId });
  });
}

/**
 * Merge-patch of an agent. One that is not active keeps its customers and tasks; its calendar feed answers 404.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, AGENT_INVALID
 */
export function updateAgent(ctx: Ctx, id: string, input: AgentInput, ifMatch?: number): Promise<Agent> {
  return write(ctx, async (tx) => {
    const row = await lockPresentAgent(tx, id, ifMatch);
    const { fields } = accepted(normaliseAgent(input));
    const changes = changedFields(row, fields, TOLD);
    return Object.keys(changes).length === 0 ? agentOf(row) : changeAgent(ctx, tx, row, fields, changes);
  });
}

/**
 * Removes an agent who has neither customers nor tasks.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, AGENT_IN_USE
 */
export function deleteAgent(ctx: Ctx, id: string, ifMatch?: number): Promise<void> {
  return write(ctx, async (tx) => {
    await lockPresentAgent(tx, id, ifMatch);
    accepted(checkAgentDelete(await countUsesOf(tx, id)));
    await forgetAgent(tx, { id });
    await deleteRow(tx, id);
    await tell(ctx, tx, { kind: 'agent.removed', customerId: null, subjectId: id });
  });
}

/**
 * Makes a new secret for the agent's calendar feed; the one before it stops working. Only its hash is kept.
 * @throws Problem NOT_FOUND
 */
export function createCalendar(ctx: Ctx, agentId: string): Promise<{ secret: string }> {
  return write(ctx, async (tx) => {
    const row = await lockPresentAgent(tx, agentId);
    const secret = randomBytes(32).toString('base64url');
    await changeAgent(
      ctx,
      tx,
      row,
      { calendarHash: hashKey(secret) },
      { hasCalendar: [row.calendarHash !== null, true] },
    );
    return { secret };
  });
}

/**
 * Takes the calendar feed of an agent away; without one there is nothing to do.
 * @throws Problem NOT_FOUND
 */
export function deleteCalendar(ctx: Ctx, agentId: string): Promise<void> {
  return write(ctx, async (tx) => {
    const row = await lockPresentAgent(tx, agentId);
    if (row.calendarHash === null) return;
    await changeAgent(ctx, tx, row, { calendarHash: null }, { hasCalendar: [true, false] });
  });
}
