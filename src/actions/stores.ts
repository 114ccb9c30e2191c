// Stores: open a new one with everything that a new store has, change its settings.
import type { Ctx } from '../context.ts';
import { type Tx, transaction } from '../db/connection.ts';
import { insertGroups } from '../db/groups.ts';
import { lockSegments } from '../db/segments/rows.ts';
import { insertStore, type Store, updateStore as updateRow } from '../db/stores.ts';
import { ensureTags } from '../db/tags.ts';
import { normaliseCountryCode } from '../domain/countries.ts';
import { type CustomFieldDeclaration, checkDeclarations } from '../domain/custom-fields.ts';
import { normaliseEmail } from '../domain/emails.ts';
import type { FieldProblem } from '../domain/fields.ts';
import { groupKey, PRESET_GROUPS } from '../domain/groups.ts';
import type { ExpiredRefunds } from '../domain/ledger/refunds.ts';
import { normaliseLanguage, normaliseTimezone } from '../domain/locales.ts';
import { currencyExponent } from '../domain/money.ts';
import {
  type AccountMode,
  type CreditBasis,
  type CreditSettings,
  creditSettingsOf,
  DEFAULT_SETTINGS,
  type StoreSettings,
} from '../domain/stores.ts';
import { PRESET_TAGS, tagKey } from '../domain/tags.ts';
import { Problem } from '../errors.ts';
import { addKey } from './api-keys.ts';
import { forgetStore, storeOf } from './customers.ts';
import { refuseLostFields } from './segment-references.ts';
import { addPresetSegments } from './segments.ts';
import { addReadyMade } from './templates.ts';
import { tell } from './timeline.ts';
import { ensureTopics as addPresetTopics } from './topics.ts';
import { write } from './write.ts';

export interface NewStore {
  name: string;
  currency: string;
  timezone: string;
  locale: string;
  settings?: Partial<StoreSettings>;
}

/** Opens the store that the context is bound to, with preset tags, groups and segments and a publishable key. */
export async function openStore(
  ctx: Ctx,
  input: NewStore,
): Promise<{ store: Store; publishableKey: string }> {
  const errors = [...checkStoreChange(input), ...checkCurrency(input.currency)];
  if (errors.length > 0) throw new Problem('STORE_INVALID', { errors });
  const { settings, ...facts } = input;
  const store: Store = {
    ...facts,
    id: ctx.storeId,
    settings: { ...DEFAULT_SETTINGS, ...settings },
    version: 1,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  return transaction(ctx.db, async (tx) => {
    await insertStore(tx, store);
    await addPresets(ctx, tx, store);
    const { key } = await addKey(ctx, tx, { name: 'Storefront', kind: 'publishable' });
    return { store, publishableKey: key };
  });
}

async function addPresets(ctx: Ctx, tx: Tx, store: Store): Promise<void> {
  const times = { createdAt: ctx.now, updatedAt: ctx.now };
  await ensureTags(
    tx,
    PRESET_TAGS.map((name) => ({ id: ctx.newId(), name, nameKey: tagKey(name), createdAt: ctx.now })),
  );
  await insertGroups(
    tx,
    PRESET_GROUPS.map((name) => ({
      id: ctx.newId(),
      name,
      nameKey: groupKey(name),
      description: null,
      ...times,
    })),
  );
  await addPresetSegments(ctx, tx, store);
  await addReadyMade(ctx, tx);
  await addPresetTopics(ctx, tx);
}

/** A merge-patch of the store, as the contract has it. */
export interface StoreChange {
  name?: string;
  timezone?: string;
  locale?: string;
  accounts?: AccountMode;
  creditBasis?: CreditBasis;
  creditAllowNegative?: boolean;
  creditLimits?: { amount: number; currency: string }[];
  creditExpiredRefunds?: ExpiredRefunds;
  creditGraceDays?: number;
  creditHoldMinutes?: number;
  sender?: { name: string; email: string } | null;
  corsOrigins?: string[];
  defaultCountry?: string | null;
  customFields?: CustomFieldDeclaration[];
}

/** The store in the shape of the contract. */
export function toStoreResource(store: Store) {
  const { settings, ...facts } = store;
  const { credit: _, mail: __, sender, ...rest } = settings;
  const credit = creditSettingsOf(settings);
  return {
    ...facts,
    ...rest,
    creditBasis: credit.basis,
    creditAllowNegative: credit.allowNegative,
    creditLimits: Object.entries(credit.limits).map(([currency, amount]) => ({ amount, currency })),
    creditExpiredRefunds: credit.expiredRefunds,
    creditGraceDays: credit.graceDays,
    creditHoldMinutes: credit.holdMinutes,
    ...(sender && { sender }),
  };
}

type StoreResource = ReturnType<typeof toStoreResource>;

function checkStoreChange(change: StoreChange): FieldProblem[] {
  const { timezone, locale, sender, defaultCountry, customFields = [], creditLimits = [] } = change;
  const problems: FieldProblem[] = [];
  const refuse = (pointer: string, code: string, message: string) =>
    problems.push({ pointer, code, message });
  if (timezone !== undefined && !normaliseTimezone(timezone))
    refuse('/timezone', 'TIMEZONE_INVALID', 'An IANA time zone name, such as Europe/Berlin.');
  if (locale !== undefined && !normaliseLanguage(locale))
    refuse('/locale', 'LANGUAGE_INVALID', 'A BCP 47 language tag, such as de or pt-BR.');
  if (sender && !normaliseEmail(sender.email))
    refuse('/sender/email', 'EMAIL_INVALID', 'Not an email address.');
  if (defaultCountry && !normaliseCountryCode(defaultCountry))
    refuse('/defaultCountry', 'COUNTRY_INVALID', 'An ISO 3166-1 alpha-2 code, such as DE.');
  for (const [index, { currency }] of creditLimits.entries()) {
    if (currencyExponent(currency) === undefined)
      refuse(`/creditLimits/${index}/currency`, 'CURRENCY_UNKNOWN', 'An ISO 4217 code, such as EUR.');
  }
  for (const problem of checkDeclarations(customFields))
    problems.push({ ...problem, pointer: `/customFields${problem.pointer}` });
  return problems;
}

/** The currency of a store is chosen once. */
function checkCurrency(currency: string): FieldProblem[] {
  if (currencyExponent(currency) !== undefined) return [];
  return [{ pointer: '/currency', code: 'CURRENCY_UNKNOWN', message: 'An ISO 4217 code, such as EUR.' }];
}

function mergeCredit(credit: CreditSettings, change: StoreChange): CreditSettings {
  return {
    basis: change.creditBasis ?? credit.basis,
    allowNegative: change.creditAllowNegative ?? credit.allowNegative,
    limits: change.creditLimits
      ? Object.fromEntries(change.creditLimits.map(({ amount, currency }) => [currency, amount]))
      : credit.limits,
    expiredRefunds: change.creditExpiredRefunds ?? credit.expiredRefunds,
    graceDays: change.creditGraceDays ?? credit.graceDays,
    holdMinutes: change.creditHoldMinutes ?? credit.holdMinutes,
  };
}

function mergeSettings(settings: StoreSettings, change: StoreChange): StoreSettings {
  const { accounts, sender, corsOrigins, defaultCountry, customFields } = change;
  return {
    ...settings,
    accounts: accounts ?? settings.accounts,
    credit: mergeCredit(creditSettingsOf(settings), change),
    sender: sender === undefined ? settings.sender : sender,
    corsOrigins: corsOrigins ?? settings.corsOrigins,
    defaultCountry: defaultCountry === undefined ? settings.defaultCountry : defaultCountry,
    customFields: customFields ?? settings.customFields,
  };
}

/**
 * Merge-patch of the store's settings.
 * @throws Problem STORE_INVALID, VERSION_MISMATCH, CUSTOM_FIELD_IN_USE, CONFLICT when somebody else changed them meanwhile
 */
export async function updateStore(ctx: Ctx, change: StoreChange, ifMatch?: number): Promise<StoreResource> {
  const changed = await write(ctx, async (tx) => {
    if (change.customFields) await lockSegments(tx);
    const store = await storeOf({ ...ctx, db: tx });
    if (ifMatch !== undefined && ifMatch !== store.version)
      throw new Problem('VERSION_MISMATCH', { version: store.version });
    const errors = checkStoreChange(change);
    if (errors.length > 0) throw new Problem('STORE_INVALID', { errors });
    if (change.customFields) await refuseLostFields(tx, store.settings.customFields, change.customFields);
    const changed = await updateRow(tx, {
      name: change.name ?? store.name,
      timezone: change.timezone ?? store.timezone,
      locale: change.locale ?? store.locale,
      settings: mergeSettings(store.settings, change),
      version: store.version + 1,
      updatedAt: ctx.now,
    });
    if (!changed) throw new Problem('CONFLICT');
    await tell(ctx, tx, { kind: 'store.updated', customerId: null, data: { fields: Object.keys(change) } });
    return toStoreResource(changed);
  });
  forgetStore(ctx.storeId);
  return changed;
}
