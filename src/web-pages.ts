// How public pages are answered: headers, forms, and errors as pages that people can read.
import formbody from '@fastify/formbody';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Proof } from './actions/consents.ts';
import { NOBODYS_PAGE, type PageStore, page, paragraphs, policyOf } from './clients/page-layout.ts';
import { refusalOfDatabase } from './db/refusals.ts';
import type { Store } from './db/stores.ts';
import { mailSettingsOf } from './domain/mail/settings.ts';
import { ERRORS, type ErrorCode, Problem, RETRY_AFTER_S } from './errors.ts';

/** What the pages show of a store. */
export function pageStoreOf({ name, locale, settings }: Store): PageStore {
  const { brandColor, logoUrl, websiteUrl } = mailSettingsOf(settings);
  return { name, locale, color: brandColor, logoUrl, websiteUrl };
}

const MAX_USER_AGENT = 500;

/** What a request itself proves about who sent it. */
export const proofOf = ({ ip, headers }: FastifyRequest): Proof => ({
  ip,
  ...(headers['user-agent'] !== undefined && { userAgent: headers['user-agent'].slice(0, MAX_USER_AGENT) }),
});

/** Fields of a form; `one` is '' for a field that was not sent. */
export interface Form {
  one(name: string): string;
  all(name: string): string[];
}

const FORM_LIMITS = { fields: 100, fieldSize: 10_000, files: 1, fileSize: 10_000, parts: 100 };

/** Fields of a multipart form; files in it are dropped. */
async function multipartFields(request: FastifyRequest): Promise<[name: string, value: string][]> {
  const fields: [string, string][] = [];
  for await (const part of request.parts({ limits: FORM_LIMITS })) {
    if (part.type === 'file') part.file.resume();
    else fields.push([part.fieldname, String(part.value)]);
  }
  return fields;
}

const plainFields = (body: unknown): [name: string, value: string][] =>
  Object.entries(Object(body) as Record<string, unknown>).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)]),
  );

/** The form that was sent, urlencoded or multipart. */
export async function formOf(request: FastifyRequest): Promise<Form> {
  const fields = request.isMultipart() ? await multipartFields(request) : plainFields(request.body);
  const all = (name: string) => fields.flatMap(([field, value]) => (field === name ? [value] : []));
  return { all, one: (name) => all(name)[0] ?? '' };
}

/** Whether somebody looks at a page: no HEAD, and no browser that fetches beforehand what may be wanted. */
export const isLookedAt = ({ method, headers }: FastifyRequest): boolean =>
  method === 'GET' &&
  !/\bpre(fetch|render)/i.test(`${headers['sec-purpose'] ?? ''} ${headers.purpose ?? ''}`);

/** Sends a document of `page`: no script, nothing kept, nothing told to other sites (the address holds a secret). */
export const sendPage = (reply: FastifyReply, status: number, document: string): FastifyReply =>
  reply
    .code(status)
    .headers({
      'content-security-policy': policyOf(document),
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex, nofollow',
    })
    .type('text/html; charset=utf-8')
    .serializer(String)
    .send(document);

/** The page of a link that nothing belongs to: unknown, used and revoked ones look the same (I3). */
export const unknownLinkPage = (): string =>
  page({
    store: NOBODYS_PAGE,
    title: 'This link does not work',
    body: paragraphs(
      'It may have been used already, replaced by a newer one, or copied only in part.',
      'Please open the link in the newest mail once more, or ask the shop for a new one.',
    ),
  });

const troublePage = (): string =>
  page({
    store: NOBODYS_PAGE,
    title: 'This did not work just now',
    body: paragraphs('Something went wrong on our side. Please try again in a few minutes.'),
  });

const refusedPage = (problem: Problem): string =>
  page({
    store: NOBODYS_PAGE,
    title: ERRORS[problem.code].title,
    body: paragraphs('Please go back, look at what you entered, and send it again.'),
  });

const documentOf = (problem: Problem): string => {
  if (problem.status === 404) return unknownLinkPage();
  return problem.status >= 500 ? troublePage() : refusedPage(problem);
};

const problemOf = (error: FastifyError): Problem => {
  if (error instanceof Problem) return error;
  if (error.statusCode === 415) return new Problem('UNSUPPORTED_MEDIA_TYPE', {}, { cause: error });
  if (error.statusCode === 413) return new Problem('BODY_TOO_LARGE', {}, { cause: error });
  const refused = refusalOfDatabase(error);
  if (refused) return new Problem(refused as ErrorCode, {}, { cause: error });
  const isTheirs = error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500;
  return new Problem(isTheirs ? 'VALIDATION_FAILED' : 'INTERNAL', {}, { cause: error });
};

/** Lets the rooms of `app` take urlencoded forms and answer errors as pages. Call it first in a room of pages. */
export async function takeForms(app: FastifyInstance): Promise<void> {
  if (!app.hasContentTypeParser('application/x-www-form-urlencoded')) await app.register(formbody);
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500) request.log.error({ name: error.name, message: error.message }, problem.code);
    if (problem.status === 503) reply.header('retry-after', RETRY_AFTER_S);
    return sendPage(reply, problem.status, documentOf(problem));
  });
}
