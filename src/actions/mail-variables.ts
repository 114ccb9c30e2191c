// The variables that mails are rendered with: of the store, of customers, of orders. A batch of a hundred customers costs
// two statements.
import type { Ctx } from '../context.ts';
import { findLedgerAccounts } from '../db/ledger/accounts.ts';
import {
  listMailCustomers,
  listMailOrders,
  type MailCustomer,
  type MailOrder,
} from '../db/mail-variables.ts';
import type { Store } from '../db/stores.ts';
import { displayName } from '../domain/customer-names.ts';
import { type AccountState, balancesAt, expiringNext, momentOf, POINTS } from '../domain/ledger/accounts.ts';
import { levelOf } from '../domain/loyalty/members.ts';
import { readableOn, textOn } from '../domain/mail/colors.ts';
import { mailSettingsOf } from '../domain/mail/settings.ts';
import type { Variables } from '../domain/mail/template-variables.ts';
import { recentStoreOf } from './customers.ts';
import { currentProgramme } from './loyalty-programme.ts';

const PAPER = '#ffffff';

/** `store` and the links that are the same in all of its mails. */
export function storeVariables(store: Store): Variables {
  const { name, locale, timezone, currency, settings } = store;
  const { brandColor, logoUrl, websiteUrl, postalAddress } = mailSettingsOf(settings);
  return {
    store: {
      name,
      locale,
      timezone,
      currency,
      email: settings.sender?.email,
      url: websiteUrl,
      logoUrl,
      postalAddress,
      color: brandColor,
      textOnColor: textOn(brandColor),
      linkColor: readableOn(brandColor, PAPER),
    },
    links: { ...(websiteUrl && { shop: websiteUrl }) },
  };
}

/** What of an account can be spent, and what of it ends next. */
function spendable(state: AccountState | undefined, now: Date) {
  if (!state) return undefined;
  const at = momentOf(state, now);
  const { available, pending } = balancesAt(state, at);
  return { available, pending, next: expiringNext(state, at) };
}

function creditVariables(
  state: AccountState | undefined,
  currency: string,
  now: Date,
): Variables | undefined {
  const credit = spendable(state, now);
  if (!credit) return undefined;
  const { available, next } = credit;
  return {
    balance: { amount: available, currency },
    ...(next && { expiring: { amount: next.amount, currency }, expiresAt: next.expiresAt }),
  };
}

function pointsVariables(
  state: AccountState | undefined,
  programme: string,
  now: Date,
): Variables | undefined {
  const points = spendable(state, now);
  if (!points) return undefined;
  const { available, pending, next } = points;
  return {
    programme,
    balance: available,
    pending,
    ...(next && { expiring: next.amount, expiresAt: next.expiresAt }),
  };
}

type Programme = Awaited<ReturnType<typeof currentProgramme>>;

function tierVariables(row: MailCustomer, programme: Programme): Variables | undefined {
  const tiers = programme?.settings.tiers;
  const level = tiers ? levelOf(row, tiers) : null;
  if (!level) return undefined;
  const { key, name, multiplier, freeShipping } = level;
  return { key, name, multiplier, freeShipping, since: row.tierSince, endsAt: row.periodEndsAt };
}

const given = (variables: Variables): Variables =>
  Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== null && value !== undefined));

function customerFacts(row: MailCustomer, store: Store): Variables {
  const { accountStatus, phone, referralCode, tier, tierSince, periodEndsAt, totalSpent, ...facts } = row;
  return given({
    ...facts,
    name: displayName(row),
    totalSpent: { amount: totalSpent, currency: store.currency },
  });
}

/** `customer`, and where they are there `credit`, `points`, `tier` and `referral`, by id; who is not there is left out. Without accounts `credit` and `points` are: they cost half of it. */
export async function customerVariables(
  ctx: Ctx,
  ids: readonly string[],
  { withAccounts = true }: { withAccounts?: boolean } = {},
): Promise<Map<string, Variables>> {
  const store = await recentStoreOf(ctx);
  const rows = await listMailCustomers(ctx.db, { ids });
  const units = [store.currency, POINTS];
  const keys = (withAccounts ? rows : []).flatMap(({ id }) =>
    units.map((unit) => ({ customerId: id, unit })),
  );
  const accounts = keys.length === 0 ? [] : await findLedgerAccounts(ctx.db, keys);
  const programme = await currentProgramme(ctx.db);
  const variablesOf = (row: MailCustomer, index: number): Variables => {
    const [credit, points] = [
      accounts[index * units.length]?.state,
      accounts[index * units.length + 1]?.state,
    ];
    return given({
      customer: customerFacts(row, store),
      credit: creditVariables(credit, store.currency, ctx.now),
      points: pointsVariables(points, programme?.settings.name ?? '', ctx.now),
      tier: tierVariables(row, programme),
      referral: row.referralCode === null ? undefined : { code: row.referralCode },
    });
  };
  return new Map(rows.map((row, index) => [row.id, variablesOf(row, index)]));
}

/** `Ada Lovelace`; a company alone is a name too. */
function addressVariables(address: NonNullable<MailOrder['shippingAddress']>): Variables {
  const { firstName, lastName, phone, ...lines } = address;
  const name = [firstName, lastName].filter(Boolean).join(' ');
  return given({ ...lines, ...(name !== '' && { name }) });
}

function orderFacts({ currency, items, shippingAddress, ...order }: MailOrder): Variables {
  const money = (amount: number) => ({ amount, currency });
  const { shipping, discount, tax, total } = order;
  return given({
    number: order.number,
    placedAt: order.placedAt,
    items: items.map((item) =>
      given({
        ...item,
        unitPrice: money(item.unitPrice),
        discount: item.discount > 0 ? money(item.discount) : undefined,
        total: money(item.total),
      }),
    ),
    itemsTotal: money(items.reduce((sum, item) => sum + item.total, 0)),
    shipping: money(shipping),
    discount: discount > 0 ? money(discount) : undefined,
    tax: tax > 0 ? money(tax) : undefined,
    total: money(total),
    shippingAddress: shippingAddress ? addressVariables(shippingAddress) : undefined,
  });
}

/** `order` by id; one statement. */
export async function orderVariables(ctx: Ctx, ids: readonly string[]): Promise<Map<string, Variables>> {
  if (ids.length === 0) return new Map();
  const rows = await listMailOrders(ctx.db, { ids });
  return new Map(rows.map((row) => [row.id, { order: orderFacts(row) }]));
}
