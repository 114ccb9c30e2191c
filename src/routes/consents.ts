// HTTP: consent of customers and addresses.
import type { FastifyInstance } from 'fastify';
import {
  type CustomerConsents as CustomerConsentViews,
  importConsents,
  lookUpConsents,
  readConsentHistory,
  readConsents,
  type StatementResult,
  stateConsents,
  stateCustomerConsents,
} from '../actions/consent-statements.ts';
import { misfits } from '../batch-entries.ts';
import type { ConsentHistoryKey, ConsentView } from '../db/consents.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint } from '../endpoint.ts';
import { ERRORS, type ErrorCode, type FieldError } from '../errors.ts';
import { pageOf } from '../pages.ts';
import {
  AddressConsentStatement,
  AddressConsents,
  AddressQuery,
  ConsentEventPage,
  ConsentImport,
  ConsentImportResult,
  ConsentQuery,
  ConsentStatement,
  CustomerConsents,
} from '../schemas/consents.ts';
import { CustomerParams } from '../schemas/customers.ts';
import { closed, pageQuery, ref } from '../schemas/helpers.ts';

const tag = 'Consent';
const IMPORT_BODY_LIMIT = 5 * 1024 * 1024;
const STATEMENT_REFUSALS = [
  'CONSENT_INVALID',
  'TOPIC_UNKNOWN',
  'TOPIC_ARCHIVED',
  'WORDING_UNKNOWN',
] as const satisfies ErrorCode[];

/** The state in the shape of the contract. */
function toConsent({ wordingHash, wordingVersion, wordingLocale, wordingText, ...view }: ConsentView) {
  if (!wordingHash || wordingVersion === null || wordingLocale === null || wordingText === null) return view;
  const hash = wordingHash.toString('hex');
  return { ...view, wording: { hash, version: wordingVersion, locale: wordingLocale, text: wordingText } };
}

const toCustomerConsents = ({ contactLimit, data }: CustomerConsentViews) => ({
  acceptsMarketing: data.some(({ channel, state }) => channel === 'email' && state === 'granted'),
  contactLimit,
  data: data.map(toConsent),
});

function refusedEntry(mistakes: readonly FieldError[]): StatementResult {
  const { title, detail } = ERRORS.VALIDATION_FAILED;
  const errors = mistakes.map(({ pointer, message }) => ({ pointer, message }));
  return { outcome: 'refused', problem: { code: 'VALIDATION_FAILED', title, detail, errors } };
}

export async function consents(app: FastifyInstance): Promise<void> {
  const entrySchema = ref(AddressConsentStatement);

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/consents',
    operationId: 'getCustomerConsents',
    tag,
    summary: 'What a customer agreed to',
    description:
      'The state of each channel and topic, since when, where it came from and the words that were shown; now, or with `asOf` as it was at any instant. Topics that are not listed were never asked for.',
    scope: 'consents:read',
    params: CustomerParams,
    query: ConsentQuery,
    returns: { 200: ref(CustomerConsents) },
    refuses: ['CUSTOMER_GONE'],
    handle: async (ctx, { params, query: { asOf } }) =>
      toCustomerConsents(
        await readConsents(ctx, params.customerId, asOf === undefined ? undefined : new Date(asOf)),
      ),
  });

  endpoint(app, {
    method: 'POST',
    url: '/customers/:customerId/consents',
    operationId: 'recordCustomerConsents',
    tag,
    summary: 'Record what a customer said',
    description:
      'Events are only added. The state is what the event says that took effect last, so something said earlier changes nothing. With double opt-in a `grant` waits for confirmation, and a mail asks for it, at most one an hour.',
    scope: 'consents:write',
    params: CustomerParams,
    body: ref(ConsentStatement),
    returns: { 200: ref(CustomerConsents) },
    refuses: [...STATEMENT_REFUSALS, 'CUSTOMER_GONE'],
    handle: async (ctx, { params, body }) =>
      toCustomerConsents(await stateCustomerConsents(ctx, params.customerId, body)),
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/consents/history',
    operationId: 'listCustomerConsentEvents',
    tag,
    summary: 'List everything a customer said about mails',
    description: 'All events, newest first, those of merged customers included.',
    scope: 'consents:read',
    params: CustomerParams,
    query: closed({ ...pageQuery }),
    returns: { 200: ref(ConsentEventPage) },
    refuses: ['CURSOR_INVALID', 'CUSTOMER_GONE'],
    handle: (ctx, input) =>
      pageOf(
        input,
        async (start: PageStart<ConsentHistoryKey>) =>
          (await readConsentHistory(ctx, input.params.customerId, start)).map(toConsent),
        (event): ConsentHistoryKey => [event.effectiveAt.toISOString(), event.eventId],
      ),
  });

  endpoint(app, {
    method: 'GET',
    url: '/consents',
    operationId: 'lookUpConsents',
    tag,
    summary: 'What was agreed to for an address',
    description: 'By email or phone, also for an address that no customer has.',
    scope: 'consents:read',
    query: AddressQuery,
    returns: { 200: ref(AddressConsents) },
    refuses: ['CONSENT_INVALID'],
    handle: async (ctx, { query }) => {
      const { data, ...place } = await lookUpConsents(ctx, query);
      return { ...place, data: data.map(toConsent) };
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/consents',
    operationId: 'recordConsents',
    tag,
    summary: 'Record what the owner of an address said',
    description:
      'Attaches to the customer who has the address; who agrees and is unknown becomes a guest (C3). A withdrawal makes nobody: it is kept for the address.',
    scope: 'consents:write',
    body: ref(AddressConsentStatement),
    returns: { 200: ref(AddressConsents) },
    refuses: STATEMENT_REFUSALS,
    handle: async (ctx, { body }) => {
      const { data, ...place } = await stateConsents(ctx, body);
      return { ...place, data: data.map(toConsent) };
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/consents/import',
    operationId: 'importConsents',
    tag,
    summary: 'Bring consent along from elsewhere',
    description:
      'Up to 1,000 statements in one transaction, one result for each; a bad one is refused in its result and never fails the rest. Each `import` says when and how the consent was given, so that a withdrawal that is known here stays the last word.',
    scope: 'consents:write',
    body: ref(ConsentImport),
    bodyLimit: IMPORT_BODY_LIMIT,
    takesInvalid: true,
    returns: { 200: ref(ConsentImportResult) },
    handle: async (ctx, { body, request }) => {
      const wrong = misfits(request, 'consents', entrySchema);
      const results = (
        await importConsents(
          ctx,
          body.consents.filter((_, index) => !wrong.has(index)),
        )
      ).values();
      const resultOf = (_: object, index: number) => {
        const mistakes = wrong.get(index);
        return mistakes ? refusedEntry(mistakes) : results.next().value;
      };
      return { results: body.consents.map(resultOf) };
    },
  });
}
