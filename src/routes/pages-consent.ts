// Pages behind the links of mails about consent: preference centre, confirmation, unsubscribing. A GET shows, a POST does.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type pg from 'pg';
import { parseToken } from '../actions/account-tokens.ts';
import { confirmConsent, readConfirmation } from '../actions/consent-confirmations.ts';
import type { Wording } from '../actions/consents.ts';
import {
  type PreferencesChange,
  readPreferences,
  readUnsubscription,
  savePreferences,
  unsubscribe,
} from '../actions/preferences.ts';
import {
  confirmationExpiredPage,
  confirmedPage,
  confirmPage,
  EVERYTHING,
  preferencesPage,
  SAVE,
  unsubscribedPage,
  unsubscribePage,
  wordingOf,
} from '../clients/consent-pages.ts';
import { type MailSecrets, readPreferencesToken, readUnsubscribeToken } from '../clients/mail-identity.ts';
import type { PageStore } from '../clients/page-layout.ts';
import { type Ctx, systemContext } from '../context.ts';
import { dbOf } from '../db/connection.ts';
import { findStore } from '../db/stores.ts';
import { Problem } from '../errors.ts';
import { MAX_CONTACT_LIMIT } from '../schemas/preferences.ts';
import { type Form, formOf, pageStoreOf, proofOf, sendPage, takeForms } from '../web-pages.ts';

export interface ConsentPagesOptions {
  pool: pg.Pool;
  mailSecrets: MailSecrets;
}

const NO_STORE = new Problem('TOKEN_UNKNOWN');

const tokenOf = (request: FastifyRequest): string => (request.params as { token: string }).token;

/** One visit of a page. */
interface Visit {
  ctx: Ctx;
  token: string;
  request: FastifyRequest;
  reply: FastifyReply;
}

/** The context of the store that a token names; @throws Problem TOKEN_UNKNOWN when it names none */
function visitOf(
  { pool }: ConsentPagesOptions,
  storeId: string | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): Visit {
  if (storeId === undefined) throw new Problem('TOKEN_UNKNOWN');
  const ctx = systemContext(dbOf(pool, storeId), request.log, 'storefront');
  return { ctx, token: tokenOf(request), request, reply };
}

async function storeOf({ ctx }: Visit): Promise<PageStore> {
  const store = await findStore(ctx.db);
  if (!store) throw NO_STORE;
  return pageStoreOf(store);
}

/** A number of the list of limits; blank: as often as the shop writes. */
function limitOf(text: string): number | null {
  const limit = Number(text);
  return Number.isInteger(limit) && limit >= 1 && limit <= MAX_CONTACT_LIMIT ? limit : null;
}

/** The words of our own page, as they are agreed to. */
const shownWording = (topic: { name: string; description: string }, { locale }: PageStore): Wording => ({
  version: 'preference-page',
  text: wordingOf(topic),
  locale,
});

function changeOf(form: Form, store: PageStore): PreferencesChange {
  if (form.one(EVERYTHING)) return { unsubscribeFromAll: true };
  if (!form.one(SAVE)) return {};
  return {
    topics: form.all('topics'),
    contactLimit: limitOf(form.one('contactLimit')),
    wording: (topic) => shownWording(topic, store),
  };
}

const SAVED = { tone: 'done', text: 'Your choices are saved.' } as const;
const ENDED = {
  tone: 'done',
  text: 'You are unsubscribed from everything. One mail that is on its way already may still arrive.',
} as const;

/** Whether a mail program posted, and no person on our page (RFC 8058, 3.1). */
const isOneClick = (form: Form): boolean => form.one('List-Unsubscribe') === 'One-Click';

export async function consentPages(app: FastifyInstance, options: ConsentPagesOptions): Promise<void> {
  const { mailSecrets } = options;
  await takeForms(app);
  // Whatever else a mail program posts with: that it posts is enough.
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload
      .on('end', () => done(null))
      .on('error', done)
      .resume();
  });
  const shown = { config: { zone: 'public' as const }, schema: { hide: true } };

  const atPreferences = (request: FastifyRequest, reply: FastifyReply) =>
    visitOf(options, readPreferencesToken(mailSecrets, tokenOf(request))?.storeId, request, reply);

  app.get('/pages/preferences/:token', shown, async (request, reply) => {
    const visit = atPreferences(request, reply);
    const preferences = await readPreferences(visit.ctx, mailSecrets, visit.token);
    return sendPage(reply, 200, preferencesPage(await storeOf(visit), preferences));
  });

  app.post('/pages/preferences/:token', shown, async (request, reply) => {
    const visit = atPreferences(request, reply);
    const store = await storeOf(visit);
    const change = changeOf(await formOf(request), store);
    const saved = await savePreferences(visit.ctx, mailSecrets, visit.token, change, proofOf(request));
    return sendPage(reply, 200, preferencesPage(store, saved, change.unsubscribeFromAll ? ENDED : SAVED));
  });

  const atConfirmation = (request: FastifyRequest, reply: FastifyReply) =>
    visitOf(options, parseToken(tokenOf(request))?.storeId, request, reply);

  /** An expired link says in the shop's name what is left to do. */
  const orExpired = async (
    visit: Visit,
    work: (store: PageStore) => Promise<string>,
  ): Promise<FastifyReply> => {
    const store = await storeOf(visit);
    try {
      return sendPage(visit.reply, 200, await work(store));
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'PASSWORD_TOKEN_EXPIRED') throw error;
      return sendPage(visit.reply, error.status, confirmationExpiredPage(store));
    }
  };

  app.get('/pages/confirm/:token', shown, (request, reply) => {
    const visit = atConfirmation(request, reply);
    return orExpired(visit, async (store) =>
      confirmPage(store, await readConfirmation(visit.ctx, visit.token)),
    );
  });

  app.post('/pages/confirm/:token', shown, (request, reply) => {
    const visit = atConfirmation(request, reply);
    return orExpired(visit, async (store) => {
      const { email } = await confirmConsent(visit.ctx, visit.token, proofOf(request));
      return confirmedPage(store, email);
    });
  });

  const atUnsubscribe = (request: FastifyRequest, reply: FastifyReply) =>
    visitOf(options, readUnsubscribeToken(mailSecrets, tokenOf(request))?.storeId, request, reply);

  app.get('/pages/unsubscribe/:token', shown, async (request, reply) => {
    const visit = atUnsubscribe(request, reply);
    const about = await readUnsubscription(visit.ctx, mailSecrets, visit.token);
    return sendPage(reply, 200, unsubscribePage(await storeOf(visit), about));
  });

  // No zone, so no limit per network address: mail programs post from few addresses for everybody. Only tokens that we
  // signed get as far as the database.
  app.post('/pages/unsubscribe/:token', { schema: { hide: true } }, async (request, reply) => {
    const visit = atUnsubscribe(request, reply);
    const byProgram = isOneClick(await formOf(request));
    const source = byProgram ? 'one_click' : 'unsubscribe_page';
    await unsubscribe(visit.ctx, mailSecrets, visit.token, { source, proof: proofOf(request) });
    if (byProgram)
      return reply.header('cache-control', 'no-store').type('text/plain').send('Unsubscribed.\n');
    const about = await readUnsubscription(visit.ctx, mailSecrets, visit.token);
    return sendPage(reply, 200, unsubscribedPage(await storeOf(visit), about));
  });
}
