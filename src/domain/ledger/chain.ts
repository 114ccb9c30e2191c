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

/**
 * The content as text: fields joined by `|`, times in milliseconds since 1970, null as nothing, signed amount. The
 * reference comes last, because it alone may hold a `|`. `1` is the version of this form.
 */
export function canonicalTransfer(transfer: TransferContent): string {
  const { id, accountId, seq, unit, kind, isCredit, counterAccount, amount, balanceAfter } = transfer;
  const { effectiveAt, recordedAt, correctsId, holdId, orderId, reference } = transfer;
  return `1|${accountId}|${seq}|${id}|${unit}|${kind}|${counterAccount}|${isCredit ? amount : -amount}|${balanceAfter}|${effectiveAt.getTime()}|${recordedAt.getTime()}|${correctsId ?? ''}|${holdId ?? ''}|${orderId ?? ''}|${reference}`;
}

/** What is wrong with a transfer: its number, its hash, or the balance that it says is left. */
export type ChainFault = 'gap' | 'hash' | 'balance';

/** The first broken transfer of an account. */
export interface BrokenTransfer {
  accountId: string;
  seq: number;
  /** Absent when the transfer itself is missing. */
  transferId?: string;
  fault: ChainFault;
}

interface Link {
  seq: number;
  hash: string;
  balance: number;
}

/** Walks over transfers in the order of accounts and numbers. Only the first fault of an account is told. */
export class ChainVerifier {
  readonly broken: BrokenTransfer[] = [];
  checked = 0;
  accounts = 0;
  readonly #hash: Hash;
  #accountId: string | undefined;
  #link: Link = { seq: 0, hash: '', balance: 0 };
  #isBroken = false;

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  /** Takes the next transfer. */
  add(transfer: ChainedTransfer): void {
    if (transfer.accountId !== this.#accountId) {
      this.#accountId = transfer.accountId;
      this.#link = { seq: 0, hash: '', balance: 0 };
      this.#isBroken = false;
      this.accounts++;
    }
    this.checked++;
    if (this.#isBroken) return;
    const fault = this.#faultOf(transfer);
    if (fault) this.#tell(fault, transfer);
    this.#link = { seq: transfer.seq, hash: transfer.hash, balance: transfer.balanceAfter };
  }

  /** Compares the end of the account's chain with what the account itself says: the last transfers may be missing. */
  end(account: { id: string; seq: number; hash: string; balance: number }): void {
    if (account.id !== this.#accountId) {
      if (account.seq > 0) this.broken.push({ accountId: account.id, seq: 1, fault: 'gap' });
      return;
    }
    if (this.#isBroken) return;
    const { seq, hash, balance } = this.#link;
    if (account.seq !== seq) {
      this.broken.push({ accountId: account.id, seq: Math.min(seq, account.seq) + 1, fault: 'gap' });
    } else if (account.hash !== hash) this.broken.push({ accountId: account.id, seq, fault: 'hash' });
    else if (account.balance !== balance) this.broken.push({ accountId: account.id, seq, fault: 'balance' });
  }

  #faultOf(transfer: ChainedTransfer): ChainFault | undefined {
    const { seq, hash, balance } = this.#link;
    if (transfer.seq !== seq + 1) return 'gap';
    if (this.#hash(hash, canonicalTransfer(transfer)) !== transfer.hash) return 'hash';
    const signed = transfer.isCredit ? transfer.amount : -transfer.amount;
    return transfer.balanceAfter === balance + signed ? undefined : 'balance';
  }

  #tell(fault: ChainFault, { accountId, seq, id }: ChainedTransfer): void {
    this.#isBroken = true;
    // Of a gap the missing number is named, not the transfer behind it.
    if (fault === 'gap') this.broken.push({ accountId, seq: this.#link.seq + 1, fault });
    else this.broken.push({ accountId, seq, transferId: id, fault });
  }
}
