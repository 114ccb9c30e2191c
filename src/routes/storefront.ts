// HTTP: what the pages of a shop call with the store's publishable key.
import type { FastifyInstance } from 'fastify';
import { signUpForNewsletter } from '../actions/newsletter.ts';
import { endpoint } from '../endpoint.ts';
import { ref } from '../schemas/helpers.ts';
import { NewsletterReceipt, NewsletterSignUp } from '../schemas/storefront.ts';

export async function storefront(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'POST',
    url: '/newsletter',
    operationId: 'signUpForNewsletter',
    tag: 'Storefront',
    summary: 'Sign up for the newsletter',
    description:
      'Attaches to the customer of the address or makes one (C3). The answer is the same for known and unknown addresses.',
    zone: 'storefront',
    body: ref(NewsletterSignUp),
    returns: { 202: ref(NewsletterReceipt) },
    refuses: ['CUSTOMER_INVALID'],
    handle: (ctx, { body }) => signUpForNewsletter(ctx, body),
  });
}
