// The wire contract of the ledger: accounts, transfers, lots and holds. Amounts are in the unit of the account: minor
// units of a currency, or points.
import Type from 'typebox';
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

export const HoldResource = closed(
  {
    id: Uuid({ description: 'Id of the hold.' }),
    accountId: Uuid({ description: 'The account it reserves from.' }),
    customerId: Uuid({ description: 'Whose account.' }),
    unit: unitOf(),
    status: stringEnum(['open', 'captured', 'voided', 'expired'], {
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
  TransferResource,
  TransferPage,
  HoldResource,
  HoldPage,
  LedgerResult,
];
