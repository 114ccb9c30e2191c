import t from 'tap';
import { type ChainedTransfer, ChainVerifier, canonicalTransfer } from '../../../src/domain/ledger/chain.ts';
import { book, type Entry } from '../../../src/domain/ledger/entries.ts';
import { emptyState, sha256 } from '../../support/ledger-world.ts';

const AT = new Date('2032-02-29T12:00:00.000Z');

/** Five transfers: a grant and four spends. */
function chain() {
  const grant: Entry = {
    id: 't1',
    kind: 'grant',
    amount: 10_000_000_000,
    effectiveAt: AT,
    opens: [{ id: 'l1', amount: 10_000_000_000, activeFrom: AT, expiresAt: null }],
  };
  const spends = [2, 3, 4, 5].map(
    (seq): Entry => ({
      id: `t${seq}`,
      kind: 'redemption',
      amount: seq,
      effectiveAt: AT,
      reference: `order|${seq}`,
      shares: [{ lotId: 'l1', amount: seq }],
      ...(seq === 4 && { correctsId: 't2', holdId: 'h1', orderId: 'o1' }),
    }),
  );
  return book(emptyState(), [grant, ...spends], AT, sha256);
}

const verify = (transfers: readonly ChainedTransfer[], end = chain().after) => {
  const verifier = new ChainVerifier(sha256);
  for (const transfer of transfers) verifier.add(transfer);
  verifier.end(end);
  return verifier;
};

t.test('L8: a chain as booked is sound', async (t) => {
  const verifier = verify(chain().transfers);
  t.same([verifier.broken, verifier.checked, verifier.accounts], [[], 5, 1]);
});

t.test('L8: any one changed field breaks the chain at that entry', async (t) => {
  const { transfers } = chain();
  const changes: { [F in keyof ChainedTransfer]?: ChainedTransfer[F] } = {
    id: 'x',
    unit: 'USD',
    kind: 'adjustment',
    isCredit: true,
    counterAccount: 'manual',
    amount: 7,
    balanceAfter: 1,
    effectiveAt: new Date(AT.getTime() + 1),
    recordedAt: new Date(AT.getTime() - 1),
    reference: 'order|6',
    correctsId: null,
    holdId: 'h2',
    orderId: null,
    hash: '0'.repeat(64),
  };
  for (const [field, value] of Object.entries(changes)) {
    const changed = transfers.map((transfer) =>
      transfer.seq === 4 ? { ...transfer, [field]: value } : transfer,
    );
    const { broken } = verify(changed);
    t.match(broken, [{ accountId: 'account', seq: 4 }], field);
    t.equal(broken.length, 1, 'named once');
  }
  const renumbered = transfers.map((transfer) => (transfer.seq === 4 ? { ...transfer, seq: 6 } : transfer));
  t.match(verify(renumbered).broken, [{ seq: 4, fault: 'gap' }]);
});

t.test('L8: every field is in the hashed content, the account and its number too', async (t) => {
  const [, , , transfer] = chain().transfers;
  if (!transfer) return t.fail('no transfer');
  const { hash, fingerprint, reason, ...content } = transfer;
  const said = canonicalTransfer(content);
  for (const field of Object.keys(content)) {
    const value = content[field as keyof typeof content];
    const other = value instanceof Date ? new Date(0) : typeof value === 'boolean' ? !value : `${value}1`;
    t.not(canonicalTransfer({ ...content, [field]: other }), said, field);
  }
});

t.test('L8: left out, swapped, added and cut off transfers are named', async (t) => {
  const { transfers, after } = chain();
  const only = (...seqs: number[]) => seqs.flatMap((seq) => transfers.filter((one) => one.seq === seq));
  const gapAt = (seq: number) => [{ accountId: 'account', seq, fault: 'gap' }];
  t.match(verify(only(1, 2, 4, 5)).broken, gapAt(3));
  t.match(verify(only(2, 3)).broken, gapAt(1));
  t.match(verify(only(1, 3, 2, 4, 5)).broken, gapAt(2));
  t.match(verify(only(1, 2, 3, 4)).broken, gapAt(5));
  t.match(verify([]).broken, gapAt(1));
  t.match(verify(transfers, { ...after, seq: 4 }).broken, gapAt(5));
  t.match(verify(transfers, { ...after, hash: '00' }).broken, [{ seq: 5, fault: 'hash' }]);
  t.match(verify(transfers, { ...after, balance: 3 }).broken, [{ seq: 5, fault: 'balance' }]);
});

t.test('L8: a balance that does not follow is told although its hash was made for it', async (t) => {
  const { transfers } = chain();
  const forged = transfers.map((transfer) =>
    transfer.seq === 5 ? { ...transfer, balanceAfter: 99, hash: '' } : transfer,
  );
  const last = forged.at(-1) as ChainedTransfer;
  last.hash = sha256(transfers[3]?.hash ?? '', canonicalTransfer(last));
  t.match(verify(forged).broken, [{ seq: 5, fault: 'balance' }]);
});

t.test('L8: accounts are checked apart', async (t) => {
  const { transfers, after } = chain();
  const verifier = new ChainVerifier(sha256);
  for (const transfer of transfers.slice(0, 2)) verifier.add(transfer);
  verifier.end(after);
  const other = book(
    emptyState('other'),
    [
      {
        id: 'x1',
        kind: 'grant',
        amount: 1,
        effectiveAt: AT,
        opens: [{ id: 'x', amount: 1, activeFrom: AT, expiresAt: null }],
      },
    ],
    AT,
    sha256,
  );
  for (const transfer of other.transfers) verifier.add(transfer);
  verifier.end(other.after);
  t.match(verifier.broken, [{ accountId: 'account', seq: 3 }]);
  t.equal(verifier.broken.length, 1);
});
