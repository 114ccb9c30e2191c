// HTTP: topics of consent.
import type { FastifyInstance } from 'fastify';
import { createTopic, readTopic, readTopics, updateTopic } from '../actions/topics.ts';
import { endpoint } from '../endpoint.ts';
import { ref } from '../schemas/helpers.ts';
import { Topic, TopicCreate, TopicList, TopicParams, TopicUpdate } from '../schemas/topics.ts';

const tag = 'Consent';

export async function topics(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/topics',
    operationId: 'listTopics',
    tag,
    summary: 'List the topics of the store',
    description:
      'What the store writes about. A new store has newsletter, offers, product news and surveys; people agree to each by itself.',
    scope: 'consents:read',
    returns: { 200: ref(TopicList) },
    handle: async (ctx) => ({ data: await readTopics(ctx) }),
  });

  endpoint(app, {
    method: 'POST',
    url: '/topics',
    operationId: 'createTopic',
    tag,
    summary: 'Add a topic',
    description: 'Nobody has agreed to it yet. It is offered in the preference centre at once.',
    scope: 'consents:write',
    body: ref(TopicCreate),
    returns: { 201: ref(Topic) },
    refuses: ['TOPIC_KEY_TAKEN', 'TOO_MANY_TOPICS'],
    location: ({ key }: { key: string }) => `/v1/topics/${key}`,
    handle: (ctx, { body }) => createTopic(ctx, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/topics/:topicKey',
    operationId: 'getTopic',
    tag,
    summary: 'Get a topic',
    description: 'One topic by its key.',
    scope: 'consents:read',
    params: TopicParams,
    returns: { 200: ref(Topic), 304: null },
    handle: (ctx, { params }) => readTopic(ctx, params.topicKey),
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/topics/:topicKey',
    operationId: 'updateTopic',
    tag,
    summary: 'Change, archive or bring back a topic',
    description:
      'An archived topic takes no new consent and is no longer offered. What was agreed to stays as it is, and can be withdrawn.',
    scope: 'consents:write',
    params: TopicParams,
    body: ref(TopicUpdate),
    returns: { 200: ref(Topic) },
    refuses: ['VERSION_MISMATCH'],
    handle: (ctx, { params, body, ifMatch }) => updateTopic(ctx, params.topicKey, body, ifMatch),
  });
}
