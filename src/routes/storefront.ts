// HTTP: what the pages of a shop call with the store's publishable key.
import type { FastifyInstance } from 'fastify';
import { signUpForNewsletter } from '../actions/newsletter.ts';
import { endpoint } from '../endpoint.ts';
import { ref } from '../schemas/helpers.ts';
import { NewsletterReceipt, NewsletterSignUp } from '../schemas/storefront.ts';
import { proofOf } from '../web-pages.ts';

export async function storefront(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'POST',
    url: '/newsletter',
    operationId: 'signUpForNewsletter',
    tag: 'Storefront',
    summary: 'Sign up for the newsletter',
    description:
      'Attaches to the customer of the address or makes one (C3). With double opt-in a mail asks its owner to confirm, at most one an hour. The answer is the same for all addresses: unknown, known, subscribed or waiting for confirmation.',
    zone: 'storefront',
    body: ref(NewsletterSignUp),
    returns: { 202: ref(NewsletterReceipt) },
    refuses: ['CUSTOMER_INVALID', 'TOPIC_UNKNOWN', 'TOPIC_ARCHIVED'],
    handle: (ctx, { body, request }) => signUpForNewsletter(ctx, body, proofOf(request)),
  });
}
