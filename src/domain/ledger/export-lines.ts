// The lines of an exported ledger: a header, each account followed by its transfers in the order of its chain, and an
// end that says how many there were. Hashes and what they cover, and nothing about persons.
import { type ChainEnd, type ChainLink, linkOf } from './chain.ts';

export const EXPORT_FORMAT = 'clientele-ledger';
export const EXPORT_VERSION = 1;

export type ExportLine =
  | { type: 'header'; format: typeof EXPORT_FORMAT; version: number; storeId: string; exportedAt: string }
  | ({ type: 'account' } & ChainEnd)
  /** `content` is the hashed text itself. */
  | { type: 'transfer'; content: string; hash: string }
  | { type: 'end'; accounts: number; transfers: number };

export const headerLine = (storeId: string, at: Date): ExportLine => ({
  type: 'header',
  format: EXPORT_FORMAT,
  version: EXPORT_VERSION,
  storeId,
  exportedAt: at.toISOString(),
});

export const accountLine = ({ id, unit, seq, hash, balance }: ChainEnd): ExportLine => ({
  type: 'account',
  id,
  unit,
  seq,
  balance,
  hash,
});

export const transferLine = ({ content, hash }: ChainLink): ExportLine => ({
  type: 'transfer',
  content,
  hash,
});

const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value);

/** The account of an account line; undefined when something of it is missing. */
export function accountOf({ id, unit, seq, hash, balance }: Record<string, unknown>): ChainEnd | undefined {
  if (!isText(id) || !isText(unit) || !isText(hash) || !isCount(seq) || !isCount(balance)) return undefined;
  return { id, unit, seq, hash, balance };
}

/** The link of a transfer line; undefined when it is none. */
export const transferOf = ({ content, hash }: Record<string, unknown>): ChainLink | undefined =>
  isText(content) && isText(hash) ? linkOf(content, hash) : undefined;
