// HTTP: the ledger as it is read: accounts, lots, transfers, holds, the check of its chains and its export.
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { toHold, toTransfer } from '../actions/ledger-answers.ts';
import { exportLedger, exportTransfers } from '../actions/ledger-exports.ts';
import {
  asOfNow,
  knownAccount,
  readAccountAsOf,
  readTransfer,
  toAccount,
  toLot,
} from '../actions/ledger-reading.ts';
import { verifyLedger } from '../actions/ledger-verification.ts';
import { listAccounts } from '../db/ledger/accounts.ts';
import {
  type IdKey,
  listAccountIds,
  listHolds,
  listLots,
  listTransfers,
  type TransferFilter,
} from '../db/ledger/lists.ts';
import { SHOWN_HOLD_STATUSES } from '../domain/ledger/accounts.ts';
import { TRANSFER_KINDS, type TransferKind } from '../domain/ledger/entries.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint } from '../endpoint.ts';
import { pageAnswer, pageOf, pageStart } from '../pages.ts';
import { closed, DateTime, pageQuery, ref, stringEnum, Uuid } from '../schemas/helpers.ts';
import {
  ChainReport,
  HoldPage,
  LedgerAccount,
  LedgerAccountPage,
  LedgerFile,
  LotPage,
  TransferDetail,
  TransferPage,
  TransfersFile,
  unitOf,
} from '../schemas/ledger.ts';

const shared = { method: 'GET', tag: 'Ledger', scope: 'ledger:read' } as const;

const accountId = Uuid({ description: 'Id of the account.' });
const OneAccount = closed({ accountId });

const ofAccount = Type.Optional(Uuid({ description: 'Only of this account.' }));
const ofCustomer = Type.Optional(
  Uuid({ description: 'Only of this customer, without those merged into it.' }),
);
const ofUnit = Type.Optional(unitOf('Only of this unit: an ISO 4217 currency, or `points`.'));

const transferFilter = {
  accountId: ofAccount,
  customerId: ofCustomer,
  unit: ofUnit,
  kind: Type.Optional(stringEnum(TRANSFER_KINDS, { description: 'Only movements of this kind.' })),
  orderId: Type.Optional(Uuid({ description: 'Only what belongs to this order, by its id here.' })),
  from: Type.Optional(
    DateTime({ description: 'Recorded at this instant or later.', examples: ['2026-01-01T00:00:00Z'] }),
  ),
  until: Type.Optional(
    DateTime({ description: 'Recorded before this instant.', examples: ['2026-02-01T00:00:00Z'] }),
  ),
};

interface TransferQuery extends Omit<TransferFilter, 'from' | 'until'> {
  kind?: TransferKind;
  from?: string;
  until?: string;
}

const instant = (text: string | undefined): Date | undefined =>
  text === undefined ? undefined : new Date(text);

const filterOf = ({
  accountId,
  customerId,
  unit,
  kind,
  orderId,
  from,
  until,
}: TransferQuery): TransferFilter => ({
  accountId,
  customerId,
  unit,
  kind,
  orderId,
  from: instant(from),
  until: instant(until),
});

export async function ledger(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    ...shared,
    url: '/ledger/accounts',
    operationId: 'listLedgerAccounts',
    summary: 'List accounts',
    description: 'All accounts of customers with what they are worth now, oldest first.',
    query: closed({ customerId: ofCustomer, unit: ofUnit, ...pageQuery }),
    returns: { 200: ref(LedgerAccountPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const { customerId, unit } = input.query;
      const ids = await listAccountIds(ctx.db, { customerId, unit }, pageStart<IdKey>(input));
      const { data, page } = pageAnswer(input, ids, (id) => [id]);
      const accounts = await listAccounts(ctx.db, data);
      return { data: accounts.map((account) => toAccount(account, asOfNow(ctx))), page };
    },
  });

  endpoint(app, {
    ...shared,
    url: '/ledger/accounts/:accountId',
    operationId: 'getLedgerAccount',
    summary: 'Get an account, now or at an instant',
    description:
      'With `effectiveAt` what counts at that instant, with `recordedAt` what had been written down by then (L9); each is now when it is left out. Send the same instant as both to see what this service would have answered then. An instant ahead tells what will have begun or expired by then.',
    params: OneAccount,
    query: closed({
      effectiveAt: Type.Optional(
        DateTime({ description: 'What counts at this instant.', examples: ['2026-01-31T23:59:59Z'] }),
      ),
      recordedAt: Type.Optional(
        DateTime({
          description: 'What had been written down by this instant.',
          examples: ['2026-02-02T08:00:00Z'],
        }),
      ),
    }),
    returns: { 200: ref(LedgerAccount) },
    handle: (ctx, { params, query: { effectiveAt, recordedAt } }) =>
      readAccountAsOf(ctx, params.accountId, {
        effectiveAt: instant(effectiveAt),
        recordedAt: instant(recordedAt),
      }),
  });

  endpoint(app, {
    ...shared,
    url: '/ledger/accounts/:accountId/lots',
    operationId: 'listLots',
    summary: 'List the lots of an account',
    description: 'What each credit brought and what is left of it, newest first, those that are used up too.',
    params: OneAccount,
    query: closed(pageQuery),
    returns: { 200: ref(LotPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const { state } = await knownAccount(ctx, input.params.accountId);
      const { data, page } = await pageOf(
        input,
        (start: PageStart<IdKey>) => listLots(ctx.db, state.id, start),
        ({ id }) => [id],
      );
      return { data: data.map((lot) => toLot(lot, ctx.now)), page };
    },
  });

  endpoint(app, {
    ...shared,
    url: '/ledger/transfers',
    operationId: 'listTransfers',
    summary: 'List transfers',
    description: 'Every movement of every account, newest first. All filters must hold.',
    query: closed({ ...transferFilter, ...pageQuery }),
    returns: { 200: ref(TransferPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const filter = filterOf(input.query);
      const { data, page } = await pageOf(
        input,
        (start: PageStart<IdKey>) => listTransfers(ctx.db, filter, start),
        ({ id }) => [id],
      );
      return { data: data.map(toTransfer), page };
    },
  });

  endpoint(app, {
    ...shared,
    url: '/ledger/transfers.csv',
    operationId: 'exportTransfers',
    summary: 'Export transfers',
    description:
      'The same list as a CSV file, streamed; text that a spreadsheet would run is guarded with an apostrophe.',
    query: closed(transferFilter),
    produces: ['text/csv'],
    returns: { 200: TransfersFile },
    handle: ({ db }, { query, reply }) =>
      reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', 'attachment; filename="transfers.csv"')
        .send(exportTransfers(db, filterOf(query))),
  });

  endpoint(app, {
    ...shared,
    url: '/ledger/transfers/:transferId',
    operationId: 'getTransfer',
    summary: 'Get a transfer',
    description:
      'With the lots that it moved: what it opened, took or gave back. What was debited beyond all lots has none until later lots cover it.',
    params: closed({ transferId: Uuid({ description: 'Id of the transfer.' }) }),
    returns: { 200: ref(TransferDetail) },
    handle: (ctx, { params }) => readTransfer(ctx, params.transferId),
  });

  endpoint(app, {
    ...shared,
    url: '/ledger/holds',
    operationId: 'listHolds',
    summary: 'List holds',
    description:
      'Reservations of all accounts, newest first. A hold whose time has run out is `expired` (K6).',
    query: closed({
      accountId: ofAccount,
      customerId: ofCustomer,
      status: Type.Optional(stringEnum(SHOWN_HOLD_STATUSES, { description: 'Only holds in this state.' })),
      ...pageQuery,
    }),
    returns: { 200: ref(HoldPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const { accountId, customerId, status } = input.query;
      const { data, page } = await pageOf(
        input,
        (start: PageStart<IdKey>) => listHolds(ctx.db, { accountId, customerId, status }, ctx.now, start),
        ({ id }) => [id],
      );
      return { data: data.map((hold) => toHold(hold, ctx.now)), page };
    },
  });

  endpoint(app, {
    ...shared,
    url: '/ledger/verify',
    operationId: 'verifyLedger',
    summary: 'Check the hash chains',
    description:
      'Hashes every transfer again, in the order of each account, and compares number, hash and balance with the account (L8). Some 150,000 transfers take a second; nothing is changed.',
    query: closed({ accountId: Type.Optional(Uuid({ description: 'Only this account.' })) }),
    refuses: ['NOT_FOUND'],
    returns: { 200: ref(ChainReport) },
    handle: (ctx, { query }) => verifyLedger(ctx, query.accountId),
  });

  endpoint(app, {
    ...shared,
    url: '/ledger/export',
    operationId: 'exportLedger',
    summary: 'Export the hash chains',
    description:
      'Every account and its transfers in chain order as NDJSON, streamed, with no reason and no name in it. `clientele verify FILE` checks the file without a database; docs/ledger.md says how to do it with any other program.',
    produces: ['application/x-ndjson'],
    returns: { 200: LedgerFile },
    handle: (ctx, { reply }) =>
      reply
        .type('application/x-ndjson; charset=utf-8')
        .header('content-disposition', 'attachment; filename="ledger.ndjson"')
        .send(exportLedger(ctx)),
  });
}
