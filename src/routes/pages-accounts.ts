// Pages behind the links in mails about an account. The token in the address is the only secret, so nothing else has to
// prove where a form comes from; a GET never does what the link is for (I2).
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type pg from 'pg';
import { readPasswordReset, resetPassword } from '../actions/account-passwords.ts';
import { parseToken } from '../actions/account-tokens.ts';
import type { Wording } from '../actions/consents.ts';
import { confirmEmailChange, readEmailChange } from '../actions/email-changes.ts';
import {
  type Acceptance,
  acceptInvitation,
  readOpenInvitation,
  renewInvitation,
} from '../actions/invitation-acceptance.ts';
import { confirmRegistration, readVerification } from '../actions/registrations.ts';
import type { Throttles } from '../actions/throttles.ts';
import { readTopics } from '../actions/topics.ts';
import {
  deadEndPage,
  type Entered,
  emailChangedPage,
  emailChangePage,
  emailVerificationPage,
  emailVerifiedPage,
  invitationAcceptedPage,
  invitationExpiredPage,
  invitationPage,
  invitationRenewedPage,
  linkExpiredPage,
  type OfferedTopic,
  passwordResetPage,
  passwordSetPage,
  RENEW,
} from '../clients/account-pages.ts';
import { wordingOf } from '../clients/consent-pages.ts';
import type { PageStore } from '../clients/page-layout.ts';
import { type Ctx, systemContext } from '../context.ts';
import { dbOf } from '../db/connection.ts';
import { findStore } from '../db/stores.ts';
import { Problem } from '../errors.ts';
import { browserOf } from '../session-answers.ts';
import { type Form, formOf, isLookedAt, pageStoreOf, sendPage, takeForms } from '../web-pages.ts';

/** One visit of a page. */
interface Visit {
  ctx: Ctx;
  store: PageStore;
  token: string;
  request: FastifyRequest;
  reply: FastifyReply;
}

/** What is wrong with what was entered, by field; undefined when the problem is another one. */
function faultsOf(error: unknown): Record<string, string> | undefined {
  const isTheirs = error instanceof Problem && error.status === 422 && error.facts.errors !== undefined;
  if (!isTheirs) return undefined;
  const faults = (error.facts.errors ?? []).map(({ pointer, message }) => [pointer.slice(1), message]);
  return Object.fromEntries(faults);
}

const offeredTopics = async ({ ctx }: Visit): Promise<OfferedTopic[]> =>
  (await readTopics(ctx)).filter(({ archivedAt }) => archivedAt === null);

async function showInvitation(visit: Visit, entered?: Entered): Promise<FastifyReply> {
  const { ctx, store, token, request, reply } = visit;
  const { email, needsName } = await readOpenInvitation(ctx, token, { looked: isLookedAt(request) });
  const topics = await offeredTopics(visit);
  return sendPage(reply, entered ? 422 : 200, invitationPage(store, { email, needsName, topics }, entered));
}

async function acceptanceOf(visit: Visit, form: Form): Promise<Acceptance> {
  const [firstName, lastName] = [form.one('firstName').trim(), form.one('lastName').trim()];
  const offered = new Map((await offeredTopics(visit)).map((topic) => [topic.key, topic]));
  const wordingOfKey = (key: string): Wording | undefined => {
    const topic = offered.get(key);
    return topic && { version: 'invitation-page', text: wordingOf(topic), locale: visit.store.locale };
  };
  return {
    password: form.one('password'),
    topics: form.all('topics'),
    wording: wordingOfKey,
    ...(firstName !== '' && { firstName }),
    ...(lastName !== '' && { lastName }),
  };
}

async function answerInvitation(visit: Visit): Promise<FastifyReply> {
  const { ctx, store, token, request, reply } = visit;
  const form = await formOf(request);
  if (form.one(RENEW)) {
    await renewInvitation(ctx, token);
    return sendPage(reply, 200, invitationRenewedPage(store));
  }
  const acceptance = await acceptanceOf(visit, form);
  try {
    await acceptInvitation(ctx, token, acceptance, browserOf(request));
  } catch (error) {
    const errors = faultsOf(error);
    if (!errors) throw error;
    const { firstName, lastName, topics = [] } = acceptance;
    return showInvitation(visit, { errors, values: { firstName, lastName }, chosen: topics });
  }
  return sendPage(reply, 200, invitationAcceptedPage(store));
}

async function showPasswordReset(
  { ctx, store, token, reply }: Visit,
  entered?: Entered,
): Promise<FastifyReply> {
  const { email } = await readPasswordReset(ctx, token);
  return sendPage(reply, entered ? 422 : 200, passwordResetPage(store, email, entered));
}

const answerPasswordReset =
  ({ throttles }: AccountPagesOptions) =>
  async (visit: Visit): Promise<FastifyReply> => {
    const { ctx, store, token, request, reply } = visit;
    const password = (await formOf(request)).one('password');
    try {
      await resetPassword(ctx, token, { password, throttles });
    } catch (error) {
      const errors = faultsOf(error);
      if (!errors) throw error;
      return showPasswordReset(visit, { errors });
    }
    return sendPage(reply, 200, passwordSetPage(store));
  };

async function showVerification(
  { ctx, store, token, reply }: Visit,
  entered?: Entered,
): Promise<FastifyReply> {
  const { email } = await readVerification(ctx, token);
  return sendPage(reply, entered ? 422 : 200, emailVerificationPage(store, email, entered));
}

async function answerVerification(visit: Visit): Promise<FastifyReply> {
  const { ctx, store, token, request, reply } = visit;
  const password = (await formOf(request)).one('password');
  try {
    await confirmRegistration(ctx, { token, password });
  } catch (error) {
    const errors = faultsOf(error);
    if (!errors) throw error;
    return showVerification(visit, { errors });
  }
  return sendPage(reply, 200, emailVerifiedPage(store));
}

async function showEmailChange({ ctx, store, token, reply }: Visit): Promise<FastifyReply> {
  const { email } = await readEmailChange(ctx, token);
  return sendPage(reply, 200, emailChangePage(store, email));
}

async function answerEmailChange({ ctx, store, token, reply }: Visit): Promise<FastifyReply> {
  const { email } = await confirmEmailChange(ctx, token);
  return sendPage(reply, 200, emailChangedPage(store, email));
}

/** What a page does, and what it shows when its link came too late. */
interface AccountPage {
  show(visit: Visit): Promise<FastifyReply>;
  answer(visit: Visit): Promise<FastifyReply>;
  expired(store: PageStore): string;
}

export interface AccountPagesOptions {
  pool: pg.Pool;
  throttles: Throttles;
}

/** By the last part of the path; domain/mail/links.ts leads there. */
const pagesOf = (options: AccountPagesOptions): Readonly<Record<string, AccountPage>> => ({
  invitation: {
    show: (visit) => showInvitation(visit),
    answer: answerInvitation,
    expired: invitationExpiredPage,
  },
  'password-reset': {
    show: (visit) => showPasswordReset(visit),
    answer: answerPasswordReset(options),
    expired: linkExpiredPage,
  },
  'email-verification': {
    show: (visit) => showVerification(visit),
    answer: answerVerification,
    expired: linkExpiredPage,
  },
  'email-change': { show: showEmailChange, answer: answerEmailChange, expired: linkExpiredPage },
});

/** @throws Problem TOKEN_UNKNOWN for a text that names no store of ours */
async function visitOf(pool: pg.Pool, request: FastifyRequest, reply: FastifyReply): Promise<Visit> {
  const { token } = request.params as { token: string };
  const parsed = parseToken(token);
  const db = parsed && dbOf(pool, parsed.storeId);
  const store = db && (await findStore(db));
  if (!db || !store) throw new Problem('TOKEN_UNKNOWN');
  const ctx = systemContext(db, request.log, 'storefront');
  return { ctx, store: pageStoreOf(store), token, request, reply };
}

/** The page that says in the shop's name why the link does not do it; what is left is for the room's error handler. */
function refuse({ store, reply }: Visit, error: unknown, { expired }: AccountPage): FastifyReply {
  if (!(error instanceof Problem)) throw error;
  const document = error.code === 'PASSWORD_TOKEN_EXPIRED' ? expired(store) : deadEndPage(store, error.code);
  if (!document) throw error;
  return sendPage(reply, error.status, document);
}

/** Pages of /pages for accounts. */
export async function accountPages(app: FastifyInstance, options: AccountPagesOptions): Promise<void> {
  await takeForms(app);
  const config = { config: { zone: 'public' as const }, schema: { hide: true } };
  for (const [name, page] of Object.entries(pagesOf(options))) {
    const visited =
      (work: (visit: Visit) => Promise<FastifyReply>) =>
      async (request: FastifyRequest, reply: FastifyReply) => {
        const visit = await visitOf(options.pool, request, reply);
        return work(visit).catch((error: unknown) => refuse(visit, error, page));
      };
    app.get(`/pages/${name}/:token`, config, visited(page.show));
    app.post(`/pages/${name}/:token`, config, visited(page.answer));
  }
}
