// HTTP: the tags of the store, and the tags of one customer.
import type { FastifyInstance } from 'fastify';
import { readPresent } from '../actions/customers.ts';
import {
  addCustomerTags,
  createTag,
  deleteTag,
  mergeTags,
  removeCustomerTags,
  renameTag,
  setCustomerTags,
} from '../actions/tags.ts';
import { findTagSummary, listTagsByName, listTagsByUse, listTagsOf } from '../db/tags.ts';
import type { PageStart } from '../domain/pages.ts';
import { tagKey } from '../domain/tags.ts';
import { endpoint, found } from '../endpoint.ts';
import type { ErrorCode } from '../errors.ts';
import { pageOf } from '../pages.ts';
import { closed, ref, Uuid } from '../schemas/helpers.ts';
import { Job } from '../schemas/jobs.ts';
import {
  CustomerTags,
  Tag,
  TagChange,
  TagCreate,
  TagInput,
  TagMerge,
  TagPage,
  TagQuery,
  TagUpdate,
} from '../schemas/tags.ts';

const tag = 'Tags';
const OneTag = closed({ tagId: Uuid({ description: 'Id of the tag.' }) });
const OfCustomer = closed({ customerId: Uuid({ description: 'Id of the customer.' }) });

const jobLocation = ({ id }: { id: string }) => `/v1/jobs/${id}`;
const CHANGE_REFUSALS = [
  'TAG_INVALID',
  'TOO_MANY_TAGS',
  'CUSTOMER_GONE',
  'VERSION_MISMATCH',
] as const satisfies ErrorCode[];

export async function tags(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/tags',
    operationId: 'listTags',
    tag,
    summary: 'List the tags of the store',
    description:
      'The palette (T4): every tag with its number of customers and when it was last given to one, by name or by use. `q` keeps those that begin with it.',
    scope: 'tags:read',
    query: TagQuery,
    returns: { 200: ref(TagPage) },
    refuses: ['CURSOR_INVALID'],
    handle: ({ db }, input) => {
      const prefixKey = tagKey(input.query.q ?? '');
      if (input.query.sort === 'name') {
        return pageOf(
          input,
          (start: PageStart<[string]>) => listTagsByName(db, prefixKey, start),
          (row): [string] => [row.nameKey],
        );
      }
      return pageOf(
        input,
        (start: PageStart<[number, string]>) => listTagsByUse(db, prefixKey, start),
        (row): [number, string] => [row.customersCount, row.nameKey],
      );
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/tags',
    operationId: 'createTag',
    tag,
    summary: 'Add a tag to the palette',
    description: 'A tag that nobody carries yet. Giving a new tag to a customer adds it by itself.',
    scope: 'tags:write',
    body: ref(TagCreate),
    returns: { 201: ref(Tag) },
    refuses: ['TAG_INVALID', 'TAG_NAME_TAKEN'],
    location: ({ id }: { id: string }) => `/v1/tags/${id}`,
    handle: (ctx, { body }) => createTag(ctx, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/tags/:tagId',
    operationId: 'getTag',
    tag,
    summary: 'Get a tag',
    description: 'One tag with how much it is used.',
    scope: 'tags:read',
    params: OneTag,
    returns: { 200: ref(Tag) },
    handle: async ({ db }, { params }) => found(await findTagSummary(db, params.tagId), 'tag'),
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/tags/:tagId',
    operationId: 'renameTag',
    tag,
    summary: 'Rename a tag',
    description:
      'The new name is there at once for everybody who carries the tag, and in the queries of saved segments. The job gives these customers their next version and tells it on their timelines.',
    scope: 'tags:write',
    params: OneTag,
    body: ref(TagUpdate),
    returns: { 202: ref(Job) },
    refuses: ['TAG_INVALID', 'TAG_NAME_TAKEN', 'SEGMENT_TOO_LARGE'],
    location: jobLocation,
    handle: (ctx, { params, body }) => renameTag(ctx, params.tagId, body),
  });

  endpoint(app, {
    method: 'POST',
    url: '/tags/:tagId/merge',
    operationId: 'mergeTags',
    tag,
    summary: 'Merge a tag into another',
    description:
      'A job gives everybody who carries the tag the other one instead, with source and time of the first, and then deletes the tag. Saved segments ask for the other tag at once.',
    scope: 'tags:write',
    idempotency: 'required',
    params: OneTag,
    body: ref(TagMerge),
    returns: { 202: ref(Job) },
    refuses: ['TAG_MERGED_WITH_ITSELF', 'REFERENCE_UNKNOWN', 'SEGMENT_TOO_LARGE'],
    location: jobLocation,
    handle: (ctx, { params, body }) => mergeTags(ctx, params.tagId, body),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/tags/:tagId',
    operationId: 'deleteTag',
    tag,
    summary: 'Delete a tag',
    description: 'A job takes the tag from everybody and then deletes it.',
    scope: 'tags:write',
    params: OneTag,
    returns: { 202: ref(Job) },
    location: jobLocation,
    handle: (ctx, { params }) => deleteTag(ctx, params.tagId),
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/tags',
    operationId: 'listCustomerTags',
    tag,
    summary: 'List the tags of a customer',
    description: 'All of them, by name, each with what assigned it (T5).',
    scope: 'customers:read',
    params: OfCustomer,
    returns: { 200: ref(CustomerTags), 304: null },
    refuses: ['CUSTOMER_GONE'],
    handle: async ({ db }, { params }) => {
      const { version } = await readPresent(db, params.customerId);
      return { data: await listTagsOf(db, params.customerId), version };
    },
  });

  endpoint(app, {
    method: 'PUT',
    url: '/customers/:customerId/tags',
    operationId: 'setCustomerTags',
    tag,
    summary: 'Set the tags of a customer',
    description:
      'Afterwards the customer has these tags and no others; an empty list clears them. Doing it again changes nothing (T3).',
    scope: 'customers:write',
    params: OfCustomer,
    body: ref(TagInput),
    returns: { 200: ref(TagChange) },
    refuses: CHANGE_REFUSALS,
    handle: (ctx, { params, body, ifMatch }) => setCustomerTags(ctx, params.customerId, body, ifMatch),
  });

  endpoint(app, {
    method: 'POST',
    url: '/customers/:customerId/tags',
    operationId: 'addCustomerTags',
    tag,
    summary: 'Add tags to a customer',
    description:
      'Adds to the tags that the customer has; a new tag joins the palette, a known one keeps the spelling of the store (T2). Doing it again changes nothing (T3).',
    scope: 'customers:write',
    params: OfCustomer,
    body: ref(TagInput),
    returns: { 200: ref(TagChange) },
    refuses: CHANGE_REFUSALS,
    handle: (ctx, { params, body, ifMatch }) => addCustomerTags(ctx, params.customerId, body, ifMatch),
  });

  endpoint(app, {
    method: 'POST',
    url: '/customers/:customerId/tags/remove',
    operationId: 'removeCustomerTags',
    tag,
    summary: 'Remove tags from a customer',
    description:
      'Takes tags from the customer; the palette keeps them. Tags that the customer does not have come back as unchanged (T3).',
    scope: 'customers:write',
    params: OfCustomer,
    body: ref(TagInput),
    returns: { 200: ref(TagChange) },
    refuses: ['TAG_INVALID', 'CUSTOMER_GONE', 'VERSION_MISMATCH'],
    handle: (ctx, { params, body, ifMatch }) => removeCustomerTags(ctx, params.customerId, body, ifMatch),
  });
}
