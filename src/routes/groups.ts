// HTTP: static groups, their members, and the groups of one customer.
import type { FastifyInstance } from 'fastify';
import { readPresent } from '../actions/customers.ts';
import {
  addGroupMembers,
  createGroup,
  deleteGroup,
  removeGroupMembers,
  setCustomerGroups,
  updateGroup,
} from '../actions/groups.ts';
import { findGroupSummary, findGroups, listGroups, listGroupsOf, listMembers } from '../db/groups.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint, found } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import {
  CustomerGroups,
  CustomerGroupsUpdate,
  Group,
  GroupCreate,
  GroupMemberPage,
  GroupMembersChange,
  GroupMembersInput,
  GroupPage,
  GroupUpdate,
} from '../schemas/groups.ts';
import { closed, pageQuery, ref, Uuid } from '../schemas/helpers.ts';
import { Job } from '../schemas/jobs.ts';

const tag = 'Groups';
const OneGroup = closed({ groupId: Uuid({ description: 'Id of the group.' }) });
const OfCustomer = closed({ customerId: Uuid({ description: 'Id of the customer.' }) });

export async function groups(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/groups',
    operationId: 'listGroups',
    tag,
    summary: 'List the groups of the store',
    description: 'By name, each with its number of customers.',
    scope: 'groups:read',
    query: closed({ ...pageQuery }),
    returns: { 200: ref(GroupPage) },
    refuses: ['CURSOR_INVALID'],
    handle: ({ db }, input) =>
      pageOf(
        input,
        (start: PageStart<[string]>) => listGroups(db, start),
        (row): [string] => [row.nameKey],
      ),
  });

  endpoint(app, {
    method: 'POST',
    url: '/groups',
    operationId: 'createGroup',
    tag,
    summary: 'Create a group',
    description: 'A group without members. Names are unique without regard to case.',
    scope: 'groups:write',
    body: ref(GroupCreate),
    returns: { 201: ref(Group) },
    refuses: ['GROUP_NAME_INVALID', 'GROUP_NAME_TAKEN'],
    location: ({ id }: { id: string }) => `/v1/groups/${id}`,
    handle: (ctx, { body }) => createGroup(ctx, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/groups/:groupId',
    operationId: 'getGroup',
    tag,
    summary: 'Get a group',
    description: 'One group with its number of customers.',
    scope: 'groups:read',
    params: OneGroup,
    returns: { 200: ref(Group) },
    handle: async ({ db }, { params }) => found(await findGroupSummary(db, params.groupId), 'group'),
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/groups/:groupId',
    operationId: 'updateGroup',
    tag,
    summary: 'Change a group',
    description:
      'Merge patch. A new name is there at once, in the queries of saved segments too; a job then gives the members their next version and tells it on their timelines.',
    scope: 'groups:write',
    params: OneGroup,
    body: ref(GroupUpdate),
    returns: { 200: ref(Group) },
    refuses: ['GROUP_NAME_INVALID', 'GROUP_NAME_TAKEN', 'SEGMENT_TOO_LARGE'],
    handle: (ctx, { params, body }) => updateGroup(ctx, params.groupId, body),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/groups/:groupId',
    operationId: 'deleteGroup',
    tag,
    summary: 'Delete a group',
    description:
      'A job takes every member out of the group, clears it where it is the primary one, and then deletes it. A group that something uses is refused; `usedBy` names it.',
    scope: 'groups:write',
    params: OneGroup,
    returns: { 202: ref(Job) },
    refuses: ['GROUP_IN_USE'],
    location: ({ id }: { id: string }) => `/v1/jobs/${id}`,
    handle: (ctx, { params }) => deleteGroup(ctx, params.groupId),
  });

  endpoint(app, {
    method: 'GET',
    url: '/groups/:groupId/members',
    operationId: 'listGroupMembers',
    tag,
    summary: 'List the members of a group',
    description:
      'Customers of the group by id. GET /v1/customers with `group` shows, filters and sorts them in full.',
    scope: 'customers:read',
    params: OneGroup,
    query: closed({ ...pageQuery }),
    returns: { 200: ref(GroupMemberPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async ({ db }, input) => {
      const [group] = await findGroups(db, [input.params.groupId]);
      const { id } = found(group, 'group');
      return pageOf(
        input,
        (start: PageStart<[string]>) => listMembers(db, id, start),
        (row): [string] => [row.customerId],
      );
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/groups/:groupId/members',
    operationId: 'addGroupMembers',
    tag,
    summary: 'Put customers into a group',
    description:
      'Up to 1,000 at once. Customers who are in the group stay as they are; ids that are unknown, merged or erased are counted and named, and never fail the rest.',
    scope: 'groups:write',
    params: OneGroup,
    body: ref(GroupMembersInput),
    returns: { 200: ref(GroupMembersChange) },
    handle: (ctx, { params, body }) => addGroupMembers(ctx, params.groupId, body),
  });

  endpoint(app, {
    method: 'POST',
    url: '/groups/:groupId/members/remove',
    operationId: 'removeGroupMembers',
    tag,
    summary: 'Take customers out of a group',
    description:
      'Up to 1,000 at once. Customers who are not in the group stay as they are; whoever had it as primary group has none afterwards.',
    scope: 'groups:write',
    params: OneGroup,
    body: ref(GroupMembersInput),
    returns: { 200: ref(GroupMembersChange) },
    handle: (ctx, { params, body }) => removeGroupMembers(ctx, params.groupId, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/groups',
    operationId: 'listCustomerGroups',
    tag,
    summary: 'List the groups of a customer',
    description: 'All of them, by name, and which one is the primary group.',
    scope: 'customers:read',
    params: OfCustomer,
    returns: { 200: ref(CustomerGroups), 304: null },
    refuses: ['CUSTOMER_GONE'],
    handle: async ({ db }, { params }) => {
      const { version, primaryGroupId } = await readPresent(db, params.customerId);
      return { groups: await listGroupsOf(db, params.customerId), primaryGroupId, version };
    },
  });

  endpoint(app, {
    method: 'PUT',
    url: '/customers/:customerId/groups',
    operationId: 'setCustomerGroups',
    tag,
    summary: 'Set the groups of a customer',
    description:
      'Afterwards the customer is in these groups and no others. Leaving the primary group leaves the customer without one unless `primaryGroupId` names another of the groups.',
    scope: 'customers:write',
    params: OfCustomer,
    body: ref(CustomerGroupsUpdate),
    returns: { 200: ref(CustomerGroups) },
    refuses: ['REFERENCE_UNKNOWN', 'PRIMARY_GROUP_NOT_MEMBER', 'CUSTOMER_GONE', 'VERSION_MISMATCH'],
    handle: (ctx, { params, body, ifMatch }) => setCustomerGroups(ctx, params.customerId, body, ifMatch),
  });
}
