// The chain of an account's transfers (L8): each hash covers the one before and the transfer's content, so no past
// transfer can be changed, left out or added without breaking every later one. No personal data is in the content.
/** The hashed content of a transfer. */
export interface TransferContent {
  id: string;
  accountId: string;
  /** 1, 2, 3 … in the account. */
  seq: number;
  unit: string;
  kind: string;
  /** True: to the customer's account. */
  isCredit: boolean;
  counterAccount: string;
  amount: number;
  balanceAfter: number;
  effectiveAt: Date;
  recordedAt: Date;
  reference: string;
  correctsId: string | null;
  holdId: string | null;
  orderId: string | null;
}

export interface ChainedTransfer extends TransferContent {
  /** SHA-256 in hex. */
  hash: string;
}

/** SHA-256, in hex, of the previous hash (hex, empty before the first), a line feed and the content. */
export type Hash = (previous: string, content: string) => string;

/** What is hashed, in this order. The reference comes last, because it alone may hold a `|`. */
export const CONTENT_FIELDS = [
  'version',
  'accountId',
  'seq',
  'id',
  'unit',
  'kind',
  'counterAccount',
  'signedAmount',
  'balanceAfter',
  'effectiveAtMs',
  'recordedAtMs',
  'correctsId',
  'holdId',
  'orderId',
  'reference',
] as const;
export type ContentField = (typeof CONTENT_FIELDS)[number];

/** Version of the form of the content. */
export const CONTENT_VERSION = 1;

const signedAmountOf = ({ isCredit, amount }: Pick<TransferContent, 'isCredit' | 'amount'>): number =>
  isCredit ? amount : -amount;

/** The content as text: `CONTENT_FIELDS` joined by `|`, times in milliseconds since 1970, null as nothing. */
export function canonicalTransfer(transfer: TransferContent): string {
  const values: Record<ContentField, string | number | null> = {
    ...transfer,
    version: CONTENT_VERSION,
    signedAmount: signedAmountOf(transfer),
    effectiveAtMs: transfer.effectiveAt.getTime(),
    recordedAtMs: transfer.recordedAt.getTime(),
  };
  return CONTENT_FIELDS.map((field) => values[field]).join('|');
}

/** A transfer as a link of its chain: what the next one builds on, and the text that its hash covers. */
export interface ChainLink {
  accountId: string;
  seq: number;
  /** Above 0: to the customer's account. */
  signedAmount: number;
  balanceAfter: number;
  content: string;
  hash: string;
}

/** The fields of a content; undefined for what is no such text. */
export function parseContent(content: string): Record<ContentField, string> | undefined {
  const parts = content.split('|');
  if (parts.length < CONTENT_FIELDS.length || parts[0] !== String(CONTENT_VERSION)) return undefined;
  const last = CONTENT_FIELDS.length - 1;
  const values = [...parts.slice(0, last), parts.slice(last).join('|')];
  return Object.fromEntries(CONTENT_FIELDS.map((field, index) => [field, values[index]])) as Record<
    ContentField,
    string
  >;
}

/** The link with this content; undefined when the text is no content. */
export function linkOf(content: string, hash: string): ChainLink | undefined {
  const fields = parseContent(content);
  if (!fields) return undefined;
  const [seq, signedAmount, balanceAfter] = [fields.seq, fields.signedAmount, fields.balanceAfter].map(
    Number,
  );
  if (
    !Number.isSafeInteger(seq) ||
    !Number.isSafeInteger(signedAmount) ||
    !Number.isSafeInteger(balanceAfter)
  )
    return undefined;
  return { accountId: fields.accountId, seq, signedAmount, balanceAfter, content, hash } as ChainLink;
}

/** What can be wrong with a chain, in words. */
export const CHAIN_FAULTS = {
  gap: 'a number is missing or there twice, or the account knows another last transfer',
  hash: 'the content is not what was hashed',
  balance: 'the balance does not follow from the one before',
  unit: 'the account is of another unit than its transfers',
} as const;
export type ChainFault = keyof typeof CHAIN_FAULTS;

/** Broken accounts that are told by name; all are counted. */
export const MAX_BROKEN_NAMED = 100;

/** The first broken transfer of an account. */
export interface BrokenTransfer {
  accountId: string;
  seq: number;
  /** Absent when the transfer itself is missing. */
  transferId?: string;
  fault: ChainFault;
}

/** An account as its own row tells it: where its chain ends. */
export interface ChainEnd {
  id: string;
  unit: string;
  /** Number of its last transfer; 0 = none. */
  seq: number;
  /** Hash of its last transfer; empty before the first. */
  hash: string;
  balance: number;
}

/** Where the walk stands in the account. */
interface Place {
  seq: number;
  hash: string;
  balance: number;
  content: string | undefined;
}

const START: Place = { seq: 0, hash: '', balance: 0, content: undefined };

/** Walks over transfers in the order of accounts and numbers. Only the first fault of an account is told. */
export class ChainVerifier {
  /** The first `MAX_BROKEN_NAMED` of them. */
  readonly broken: BrokenTransfer[] = [];
  brokenCount = 0;
  /** Transfers. */
  checked = 0;
  /** Accounts with a transfer. */
  accounts = 0;
  readonly #hash: Hash;
  #accountId: string | undefined;
  #place = START;
  #isBroken = false;

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  /** Takes the next transfer. */
  add(transfer: ChainedTransfer): void {
    const { accountId, seq, balanceAfter, hash } = transfer;
    const content = canonicalTransfer(transfer);
    this.addLink({ accountId, seq, signedAmount: signedAmountOf(transfer), balanceAfter, content, hash });
  }

  /** Takes the next transfer by what is hashed of it. */
  addLink(link: ChainLink): void {
    if (link.accountId !== this.#accountId) {
      this.#begin(link.accountId);
      this.accounts++;
    }
    this.checked++;
    if (this.#isBroken) return;
    const fault = this.#faultOf(link);
    if (fault) this.#tell(fault, link);
    else {
      const { seq, hash, balanceAfter: balance, content } = link;
      this.#place = { seq, hash, balance, content };
    }
  }

  /** Compares the end of the account's chain with what the account itself says: the last transfers may be missing. */
  end(account: ChainEnd): void {
    if (account.id !== this.#accountId) this.#begin(account.id);
    if (this.#isBroken) return;
    const fault = this.#faultOfEnd(account);
    if (fault) this.#name({ accountId: account.id, seq: this.#faultySeq(fault, account), fault });
  }

  #begin(accountId: string): void {
    this.#accountId = accountId;
    this.#place = START;
    this.#isBroken = false;
  }

  #faultOf({ seq, content, hash, signedAmount, balanceAfter }: ChainLink): ChainFault | undefined {
    const before = this.#place;
    if (seq !== before.seq + 1) return 'gap';
    if (this.#hash(before.hash, content) !== hash) return 'hash';
    return balanceAfter === before.balance + signedAmount ? undefined : 'balance';
  }

  #faultOfEnd(account: ChainEnd): ChainFault | undefined {
    const { seq, hash, balance, content } = this.#place;
    if (account.seq !== seq) return 'gap';
    if (account.hash !== hash) return 'hash';
    if (account.balance !== balance) return 'balance';
    return content === undefined || parseContent(content)?.unit === account.unit ? undefined : 'unit';
  }

  /** Of a gap the first number that one side alone knows. */
  #faultySeq(fault: ChainFault, account: ChainEnd): number {
    return fault === 'gap' ? Math.min(this.#place.seq, account.seq) + 1 : account.seq;
  }

  #tell(fault: ChainFault, { accountId, seq, content }: ChainLink): void {
    const transferId = parseContent(content)?.id;
    // Of a gap the missing number is named, not the transfer behind it.
    if (fault === 'gap') this.#name({ accountId, seq: this.#place.seq + 1, fault });
    else this.#name({ accountId, seq, ...(transferId !== undefined && { transferId }), fault });
  }

  #name(broken: BrokenTransfer): void {
    this.#isBroken = true;
    this.brokenCount++;
    if (this.broken.length < MAX_BROKEN_NAMED) this.broken.push(broken);
  }
}
