// The chain under test (L8): of the store as it is, and of an exported file without any database.
import { setImmediate } from 'node:timers/promises';
import { type NdjsonFile, type NdjsonProblem, type NdjsonRow, openNdjson } from '../clients/ndjson-reader.ts';
import { FileRefused } from '../clients/text-stream.ts';
import type { Ctx } from '../context.ts';
import { findChainEnd, listChains } from '../db/ledger/chains.ts';
import { type BrokenTransfer, type ChainEnd, ChainVerifier } from '../domain/ledger/chain.ts';
import { accountOf, EXPORT_FORMAT, EXPORT_VERSION, transferOf } from '../domain/ledger/export-lines.ts';
import { Problem } from '../errors.ts';
import { chainHash } from './ledger.ts';

/** What a check of chains found. */
export interface ChainReport {
  accounts: number;
  transfers: number;
  /** Accounts with a fault. */
  brokenCount: number;
  /** The first fault of each, at most `MAX_BROKEN_NAMED`. */
  broken: readonly BrokenTransfer[];
}

const reportOf = (accounts: number, { checked, brokenCount, broken }: ChainVerifier): ChainReport => ({
  accounts,
  transfers: checked,
  brokenCount,
  broken,
});

/**
 * Recomputes the chains of all accounts, or of one, and compares each with its account. Memory stays flat, and others
 * have their turn after each batch.
 * @throws Problem NOT_FOUND for an account that does not exist
 */
export async function verifyLedger(ctx: Ctx, accountId?: string): Promise<ChainReport> {
  if (accountId !== undefined && !(await findChainEnd(ctx.db, accountId))) {
    throw new Problem('NOT_FOUND', { resource: 'account' });
  }
  const verifier = new ChainVerifier(chainHash);
  let accounts = 0;
  for await (const parts of listChains(ctx.db, accountId)) {
    for (const { account, links, isLast } of parts) {
      for (const link of links) verifier.addLink(link);
      if (!isLast) continue;
      verifier.end(account);
      accounts++;
    }
    await setImmediate();
  }
  return reportOf(accounts, verifier);
}

/** What a check of an exported file found. */
export interface ExportReport extends ChainReport {
  storeId?: string;
  exportedAt?: string;
  /** Why reading ended before the end of the export; `line` as an editor numbers it. */
  problem?: { code: string; message: string; line?: number };
}

/** Reads an export line by line and checks it on the way. */
class ExportVerifier {
  readonly #verifier = new ChainVerifier(chainHash);
  #header: { storeId: string; exportedAt: string } | undefined;
  #account: ChainEnd | undefined;
  #accounts = 0;
  #hasEnded = false;

  /** @throws FileRefused for what is no line of an export */
  take({ line, value }: NdjsonRow): void {
    if (!this.#header) this.#takeHeader(value, line);
    else if (this.#hasEnded) throw new FileRefused('EXPORT_BROKEN', 'There is more behind the end.', line);
    else if (value.type === 'account') this.#takeAccount(value, line);
    else if (value.type === 'transfer') this.#takeTransfer(value, line);
    else if (value.type === 'end') this.#takeEnd(value, line);
    else throw new FileRefused('EXPORT_BROKEN', 'This is no line of a ledger export.', line);
  }

  /** @throws FileRefused when the end was not reached */
  close(): void {
    if (this.#hasEnded) return;
    throw new FileRefused(
      'EXPORT_TRUNCATED',
      'The file was cut off: the line that ends an export is missing.',
    );
  }

  report(): ExportReport {
    return { ...this.#header, ...reportOf(this.#accounts, this.#verifier) };
  }

  #takeHeader({ type, format, version, storeId, exportedAt }: Record<string, unknown>, line: number): void {
    if (type !== 'header' || format !== EXPORT_FORMAT) {
      throw new FileRefused(
        'EXPORT_FOREIGN',
        'The file is no ledger export: it does not begin as one.',
        line,
      );
    }
    if (version !== EXPORT_VERSION) {
      const message = `The export is of version ${version}; this program knows version ${EXPORT_VERSION}.`;
      throw new FileRefused('EXPORT_VERSION', message, line);
    }
    this.#header = { storeId: String(storeId), exportedAt: String(exportedAt) };
  }

  #takeAccount(value: Record<string, unknown>, line: number): void {
    this.#endAccount();
    this.#account = accountOf(value);
    if (!this.#account) throw new FileRefused('EXPORT_BROKEN', 'The account is not complete.', line);
    this.#accounts++;
  }

  #takeTransfer(value: Record<string, unknown>, line: number): void {
    const transfer = transferOf(value);
    if (!transfer || !this.#account) {
      throw new FileRefused(
        'EXPORT_BROKEN',
        'The transfer is not complete, or has no account above it.',
        line,
      );
    }
    const { id } = this.#account;
    // A transfer that names another account was not hashed like that: it is a fault of the account it stands in.
    this.#verifier.addLink(transfer.accountId === id ? transfer : { ...transfer, accountId: id, hash: '' });
  }

  #takeEnd({ accounts, transfers }: Record<string, unknown>, line: number): void {
    this.#endAccount();
    this.#hasEnded = true;
    const { checked } = this.#verifier;
    if (accounts === this.#accounts && transfers === checked) return;
    const message = `The export had ${accounts} accounts and ${transfers} transfers; here are ${this.#accounts} and ${checked}.`;
    throw new FileRefused('EXPORT_INCOMPLETE', message, line);
  }

  #endAccount(): void {
    if (this.#account) this.#verifier.end(this.#account);
  }
}

/** Rows in the order of the file. What is no JSON is a broken line, at the very end a file that was cut off. */
async function* rowsOf({ batches }: NdjsonFile): AsyncGenerator<NdjsonRow> {
  let unread: NdjsonProblem | undefined;
  for await (const { rows, problems } of batches) {
    const before = unread;
    unread ??= problems[0];
    for (const row of rows) {
      if (unread && (before || row.line > unread.line)) {
        throw new FileRefused('EXPORT_BROKEN', unread.message, unread.line);
      }
      yield row;
    }
  }
}

/**
 * Checks an exported ledger without a database. What was found before the file turned out to be broken is told too.
 * `source` may be gzipped.
 */
export async function verifyExport(source: AsyncIterable<Uint8Array>): Promise<ExportReport> {
  const verifier = new ExportVerifier();
  try {
    for await (const row of rowsOf(await openNdjson(source))) verifier.take(row);
    verifier.close();
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    const { code, message, line } = error;
    return { ...verifier.report(), problem: { code, message, ...(line !== undefined && { line }) } };
  }
  return verifier.report();
}
