// HTTP: sales agents.
import type { FastifyInstance } from 'fastify';
import { calendarPath } from '../actions/calendars.ts';
import {
  agentOf,
  createAgent,
  createCalendar,
  deleteAgent,
  deleteCalendar,
  updateAgent,
} from '../actions/sales-agents.ts';
import { findCustomers } from '../db/customers.ts';
import { findAgent, listAgents, listCustomerIdsOf } from '../db/sales-agents.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint, found } from '../endpoint.ts';
import { pageAnswer, pageOf, pageStart } from '../pages.ts';
import { CustomerPage } from '../schemas/customers.ts';
import { closed, pageQuery, ref, Uuid } from '../schemas/helpers.ts';
import {
  Agent,
  AgentCreate,
  AgentPage,
  AgentQuery,
  AgentUpdate,
  CalendarFeed,
} from '../schemas/sales-agents.ts';

const tag = 'Sales agents';
const AgentParams = closed({ agentId: Uuid({ description: 'Id of the agent.' }) });

export interface SalesAgentsOptions {
  /** Where calendar apps reach this service. */
  publicUrl: string;
}

export async function salesAgents(app: FastifyInstance, { publicUrl }: SalesAgentsOptions): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/agents',
    operationId: 'listAgents',
    tag,
    summary: 'List sales agents',
    description: 'In the order in which they were added.',
    scope: 'agents:read',
    query: AgentQuery,
    returns: { 200: ref(AgentPage) },
    refuses: ['CURSOR_INVALID'],
    handle: (ctx, input) =>
      pageOf(
        input,
        async (start: PageStart<[id: string]>) =>
          (await listAgents(ctx.db, { active: input.query.active }, start)).map(agentOf),
        (agent): [string] => [agent.id],
      ),
  });

  endpoint(app, {
    method: 'POST',
    url: '/agents',
    operationId: 'createAgent',
    tag,
    summary: 'Add a sales agent',
    description: 'Agents look after customers (`salesAgentId`) and have tasks.',
    scope: 'agents:write',
    body: ref(AgentCreate),
    returns: { 201: ref(Agent) },
    refuses: ['AGENT_INVALID'],
    location: (agent: { id: string }) => `/v1/agents/${agent.id}`,
    handle: (ctx, { body }) => createAgent(ctx, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/agents/:agentId',
    operationId: 'getAgent',
    tag,
    summary: 'Get a sales agent',
    description: 'One agent.',
    scope: 'agents:read',
    params: AgentParams,
    returns: { 200: ref(Agent), 304: null },
    handle: async (ctx, { params }) => agentOf(found(await findAgent(ctx.db, params.agentId), 'agent')),
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/agents/:agentId',
    operationId: 'updateAgent',
    tag,
    summary: 'Change a sales agent',
    description:
      'Merge patch. An agent who is not active keeps customers and tasks; the calendar feed answers 404 then.',
    scope: 'agents:write',
    params: AgentParams,
    body: ref(AgentUpdate),
    returns: { 200: ref(Agent) },
    refuses: ['AGENT_INVALID', 'VERSION_MISMATCH'],
    handle: (ctx, { params, body, ifMatch }) => updateAgent(ctx, params.agentId, body, ifMatch),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/agents/:agentId',
    operationId: 'deleteAgent',
    tag,
    summary: 'Delete a sales agent',
    description: 'Only an agent with neither customers nor tasks can be deleted; `usedBy` counts both.',
    scope: 'agents:write',
    params: AgentParams,
    returns: { 204: null },
    refuses: ['AGENT_IN_USE', 'VERSION_MISMATCH'],
    handle: (ctx, { params, ifMatch }) => deleteAgent(ctx, params.agentId, ifMatch),
  });

  endpoint(app, {
    method: 'GET',
    url: '/agents/:agentId/customers',
    operationId: 'listAgentCustomers',
    tag,
    summary: 'List the customers of a sales agent',
    description:
      '"My customers": those whose `salesAgentId` is the agent, in the order in which they were added.',
    scope: 'customers:read',
    params: AgentParams,
    query: closed({ ...pageQuery }),
    returns: { 200: ref(CustomerPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const agent = found(await findAgent(ctx.db, input.params.agentId), 'agent');
      const ids = await listCustomerIdsOf(ctx.db, agent.id, pageStart<[id: string]>(input));
      const { data, page } = pageAnswer(input, ids, ({ id }) => [id]);
      return {
        data: await findCustomers(
          ctx.db,
          data.map(({ id }) => id),
        ),
        page,
      };
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/agents/:agentId/calendar',
    operationId: 'createCalendar',
    tag,
    summary: 'Make the calendar feed of a sales agent',
    description:
      'Answers the secret address of the feed, this once; an address that was made earlier stops working.',
    scope: 'agents:write',
    // A kept answer would keep the secret.
    idempotency: 'none',
    params: AgentParams,
    returns: { 201: ref(CalendarFeed) },
    handle: async (ctx, { params }) => {
      const { secret } = await createCalendar(ctx, params.agentId);
      return { url: `${publicUrl}${calendarPath(ctx.storeId, secret)}` };
    },
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/agents/:agentId/calendar',
    operationId: 'deleteCalendar',
    tag,
    summary: 'Take the calendar feed of a sales agent away',
    description: 'The address stops working at once.',
    scope: 'agents:write',
    params: AgentParams,
    returns: { 204: null },
    handle: (ctx, { params }) => deleteCalendar(ctx, params.agentId),
  });
}
