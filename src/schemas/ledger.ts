// The wire contract of the ledger: accounts, transfers, lots and holds. Amounts are in the unit of the account: minor
// units of a currency, or points.
import Type from 'typebox';
import { LOT_STATUSES, SHOWN_HOLD_STATUSES } from '../domain/ledger/accounts.ts';
import { CHAIN_FAULTS, type ChainFault, MAX_BROKEN_NAMED } from '../domain/ledger/chain.ts';
import { TRANSFER_KINDS } from '../domain/ledger/entries.ts';
import { closed, Int64, page, ref, stringEnum, Timestamp, Uuid } from './helpers.ts';

const amount = (description: string, example = 1250) => Int64({ description, examples: [example] });

export const unitOf = (description = 'ISO 4217 currency, or `points`.') =>
  Type.String({ pattern: '^([A-Z]{3}|points)$', description, examples: ['EUR'] });

export const AccountBalances = closed(
  {
    id: Uuid({ description: 'Id of the account.' }),
    customerId: Uuid({ description: 'Whose account.' }),
    unit: unitOf(),
    balance: amount('Σ of all transfers: available + held + pending + expired (L2).', 5000),
    available: amount('Can be spent now.', 3750),
    held: amount('Reserved by holds.', 1250),
    pending: amount('Will count later, for example points before the end of the return period.', 0),
    expired: amount('Counts no more since its expiry and is not booked to breakage yet.', 0),
  },
  { $id: 'AccountBalances', description: 'What an account is worth, in its unit.' },
);

export const TransferResource = closed(
  {
    id: Uuid({ description: 'Id of the transfer.' }),
    accountId: Uuid({ description: 'The customer’s account.' }),
    customerId: Uuid({ description: 'Whose account.' }),
    seq: Int64({ description: 'Number of the transfer in its account: 1, 2, 3 …', examples: [1] }),
    unit: unitOf(),
    kind: stringEnum(TRANSFER_KINDS, { description: 'What kind of movement.' }),
    from: Type.String({ description: 'The account that is debited.', examples: ['issued:grant'] }),
    to: Type.String({ description: 'The account that is credited.', examples: ['credit:EUR'] }),
    amount: amount('What moved; always above zero.'),
    balanceAfter: amount('Balance of the customer’s account after it.', 5000),
    effectiveAt: Timestamp({ description: 'When it counts (L9).' }),
    recordedAt: Timestamp({ description: 'When it was written down (L9).' }),
    reference: Type.String({ description: 'Names the command; unique in the store (L7).' }),
    correctsId: Type.Optional(Uuid({ description: 'The transfer that this one corrects.' })),
    holdId: Type.Optional(Uuid({ description: 'The hold that was captured.' })),
    orderId: Type.Optional(Uuid({ description: 'The order it belongs to.' })),
    reason: Type.Optional(Type.String({ description: 'Why, in the words of who did it.' })),
    hash: Type.String({
      description: 'SHA-256 over the hash before and the content (L8).',
      examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
    }),
  },
  { $id: 'Transfer', description: 'One movement between a customer’s account and an account of the store.' },
);

const lotMovements = Type.Array(
  closed({
    lotId: Type.Optional(Uuid({ description: 'The lot; absent for what was debited beyond all lots.' })),
    amount: amount('Above zero: it came in; below zero: it was taken.', -1250),
  }),
  { description: 'What the transfer did to lots. The sum is what it did to the balance (L3).' },
);

export const TransferDetail = closed(
  { ...TransferResource.properties, lots: lotMovements },
  { $id: 'TransferDetail', description: 'A transfer with the lots that it moved.' },
);

export const LedgerAccount = closed(
  {
    ...AccountBalances.properties,
    seq: Int64({ description: 'Number of the last transfer; 0 before the first.', examples: [7] }),
    hash: Type.String({
      description: 'Hash of the last transfer, which covers all of them (L8); empty before the first.',
      examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
    }),
    effectiveAt: Timestamp({ description: 'The amounts are of what counts at this instant (L9) …' }),
    recordedAt: Timestamp({ description: '… by what had been written down at this one.' }),
  },
  { $id: 'LedgerAccount', description: 'An account of a customer at an instant.' },
);
export const LedgerAccountPage = page(LedgerAccount, 'LedgerAccountPage');

export const LotRule = closed(
  {
    programmeVersion: Type.Integer({ description: 'Version of the loyalty programme.', examples: [3] }),
    ruleId: Type.String({ description: 'The earning rule.', examples: ['spend'] }),
    formula: Type.String({ description: 'How the amount came about.', examples: ['floor(49.90 × 1)'] }),
    lines: Type.Optional(
      Type.Array(Type.Integer(), { description: 'Positions of the order’s lines that counted.' }),
    ),
  },
  { $id: 'LotRule', description: 'The rule that made a lot, as it was then (P1).' },
);

export const Lot = closed(
  {
    id: Uuid({ description: 'Id of the lot.' }),
    accountId: Uuid({ description: 'The account it is in.' }),
    transferId: Uuid({ description: 'The transfer that opened it.' }),
    amount: amount('What it was opened with.', 2500),
    remaining: amount('What is left of it; holds are not subtracted.'),
    isOpen: Type.Boolean({ description: 'Whether something is left of it.' }),
    status: stringEnum(LOT_STATUSES, { description: 'What time and spending made of it (L5).' }),
    activeFrom: Timestamp({ description: 'It counts from here.' }),
    expiresAt: Type.Optional(Timestamp({ description: 'It stops counting here; never, if absent.' })),
    source: Type.Optional(Type.String({ description: 'Where it came from.', examples: ['grant'] })),
    rule: Type.Optional(ref(LotRule, { description: 'The rule that made it.' })),
    createdAt: Timestamp({ description: 'When it was written down.' }),
  },
  { $id: 'Lot', description: 'What one credit brought, and what is left of it.' },
);
export const LotPage = page(Lot, 'LotPage');

const FAULTS = Object.keys(CHAIN_FAULTS) as ChainFault[];

export const ChainReport = closed(
  {
    accounts: Type.Integer({ description: 'Accounts that were checked.', examples: [1200] }),
    transfers: Type.Integer({ description: 'Transfers that were hashed again.', examples: [48_000] }),
    brokenCount: Type.Integer({ description: 'Accounts whose chain is broken; 0 is good.', examples: [0] }),
    broken: Type.Array(
      closed({
        accountId: Uuid({ description: 'The account.' }),
        seq: Int64({ description: 'Number of its first broken transfer.', examples: [3] }),
        transferId: Type.Optional(Uuid({ description: 'Its id; absent where the transfer is missing.' })),
        fault: stringEnum(FAULTS, {
          description: FAULTS.map((fault) => `\`${fault}\`: ${CHAIN_FAULTS[fault]}`).join('; '),
        }),
      }),
      { description: `The first fault of each account, at most ${MAX_BROKEN_NAMED}.` },
    ),
  },
  { $id: 'ChainReport', description: 'What a check of the hash chains found (L8).' },
);

export const TransfersFile = Type.String({
  description: 'CSV with a line per transfer; amounts in major units with a dot.',
});

export const LedgerFile = Type.String({
  description: 'NDJSON: a header, each account followed by its transfers in chain order, and an end.',
});

export const HoldResource = closed(
  {
    id: Uuid({ description: 'Id of the hold.' }),
    accountId: Uuid({ description: 'The account it reserves from.' }),
    customerId: Uuid({ description: 'Whose account.' }),
    unit: unitOf(),
    status: stringEnum(SHOWN_HOLD_STATUSES, {
      description: '`expired` once its time has run out: then it reserves nothing.',
    }),
    amount: amount('What it reserves.'),
    captured: amount('What was taken of it.', 0),
    lots: Type.Array(
      closed({
        lotId: Uuid({ description: 'A lot.' }),
        amount: amount('What of it is reserved.'),
      }),
      { description: 'The lots that pay when it is captured.' },
    ),
    transferId: Type.Optional(Uuid({ description: 'The transfer that captured it.' })),
    orderId: Type.Optional(Uuid({ description: 'The order it belongs to.' })),
    reference: Type.String({ description: 'Names the command; unique in the store (L7).' }),
    expiresAt: Timestamp({ description: 'When it frees what it reserves.' }),
    createdAt: Timestamp({ description: 'When it was made.' }),
    closedAt: Type.Optional(Timestamp({ description: 'When it was captured or voided.' })),
  },
  { $id: 'Hold', description: 'A reservation of a part of a balance (K6).' },
);

export const HoldPage = page(HoldResource, 'HoldPage');
export const TransferPage = page(TransferResource, 'TransferPage');

export const LedgerResult = closed(
  {
    transfer: Type.Optional(ref(TransferResource, { description: 'The transfer, where one was made.' })),
    hold: Type.Optional(ref(HoldResource, { description: 'The hold, where one was made or changed.' })),
    account: ref(AccountBalances, { description: 'The account after it.' }),
    dryRun: Type.Boolean({ description: 'True: nothing was stored, this is what would be answered (L10).' }),
  },
  { $id: 'LedgerResult', description: 'What a command did to a balance.' },
);

export const ledgerSchemas = [
  AccountBalances,
  LedgerAccount,
  LedgerAccountPage,
  LotRule,
  Lot,
  LotPage,
  ChainReport,
  TransferResource,
  TransferDetail,
  TransferPage,
  HoldResource,
  HoldPage,
  LedgerResult,
];
