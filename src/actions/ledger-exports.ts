// The ledger as files: its chains for an offline check (L8), and its transfers as CSV.
import { Readable } from 'node:stream';
import { type CsvValue, csvLine } from '../clients/csv-writer.ts';
import type { Ctx } from '../context.ts';
import type { Db } from '../db/connection.ts';
import { type ChainPart, listChains } from '../db/ledger/chains.ts';
import { listTransfers, type TransferFilter, type TransferKey } from '../db/ledger/lists.ts';
import { POINTS } from '../domain/ledger/accounts.ts';
import type { ChainEnd } from '../domain/ledger/chain.ts';
import { accountLine, type ExportLine, headerLine, transferLine } from '../domain/ledger/export-lines.ts';
import { formatMajor } from '../domain/money.ts';
import { type TransferResource, toTransfer } from './ledger-answers.ts';

const PAGE = 500;

const textOf = (lines: readonly ExportLine[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('');

/** Takes the parts of chains in their order. An account is exported as it was when its line was written. */
class ChainWriter {
  accounts = 0;
  transfers = 0;
  #account: ChainEnd | undefined;

  linesOf({ account, links }: ChainPart): ExportLine[] {
    const isNew = account.id !== this.#account?.id;
    const written = isNew || !this.#account ? account : this.#account;
    this.#account = written;
    const hasGrown = account.seq > written.seq;
    const wanted = hasGrown ? links.filter(({ seq }) => seq <= written.seq) : links;
    this.transfers += wanted.length;
    if (isNew) this.accounts++;
    return [...(isNew ? [accountLine(account)] : []), ...wanted.map(transferLine)];
  }
}

async function* exportLines({ db, storeId, now }: Ctx): AsyncGenerator<string> {
  const writer = new ChainWriter();
  yield textOf([headerLine(storeId, now)]);
  for await (const parts of listChains(db)) {
    if (parts.length > 0) yield textOf(parts.flatMap((part) => writer.linesOf(part)));
  }
  yield textOf([{ type: 'end', accounts: writer.accounts, transfers: writer.transfers }]);
}

/** All accounts with their chains as NDJSON, streamed; without anything about persons. */
export const exportLedger = (ctx: Ctx): Readable => Readable.from(exportLines(ctx), { objectMode: false });

/** Decimals of the currency as spreadsheets want them; points are whole. */
export const majorOf = (amount: number, unit: string): CsvValue => ({
  decimal: unit === POINTS ? String(amount) : formatMajor(amount, unit),
});

/** The columns of the file. */
const COLUMNS: readonly (readonly [name: string, read: (transfer: TransferResource) => CsvValue])[] = [
  ['recordedAt', (transfer) => transfer.recordedAt],
  ['effectiveAt', (transfer) => transfer.effectiveAt],
  ['kind', (transfer) => transfer.kind],
  ['from', (transfer) => transfer.from],
  ['to', (transfer) => transfer.to],
  ['unit', (transfer) => transfer.unit],
  ['amount', ({ amount, unit }) => majorOf(amount, unit)],
  ['balanceAfter', ({ balanceAfter, unit }) => majorOf(balanceAfter, unit)],
  ['reference', (transfer) => transfer.reference],
  ['reason', (transfer) => transfer.reason],
  ['customerId', (transfer) => transfer.customerId],
  ['orderId', (transfer) => transfer.orderId],
  ['holdId', (transfer) => transfer.holdId],
  ['correctsId', (transfer) => transfer.correctsId],
  ['accountId', (transfer) => transfer.accountId],
  ['seq', (transfer) => transfer.seq],
  ['id', (transfer) => transfer.id],
];

async function* transferLines(db: Db, filter: TransferFilter): AsyncGenerator<string> {
  yield csvLine(COLUMNS.map(([name]) => name));
  let after: TransferKey | undefined;
  for (;;) {
    const page = await listTransfers(db, filter, { after, limit: PAGE });
    const transfers = page.map(toTransfer);
    yield transfers.map((transfer) => csvLine(COLUMNS.map(([, read]) => read(transfer)))).join('');
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = [last.id];
  }
}

/** The list as a file, streamed page by page. */
export const exportTransfers = (db: Db, filter: TransferFilter): Readable =>
  Readable.from(transferLines(db, filter), { objectMode: false });
