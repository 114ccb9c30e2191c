// What holds for the mails of the store: read and changed as one resource; it lives in the store's row and shares its version.
import type { Ctx } from '../context.ts';
import type { Db } from '../db/connection.ts';
import { findStore, type Store, updateStore as updateRow } from '../db/stores.ts';
import { normaliseEmail } from '../domain/emails.ts';
import type { FieldProblem } from '../domain/fields.ts';
import { TOKEN_PLACE } from '../domain/mail/links.ts';
import {
  LINK_PURPOSES,
  type LinkPurpose,
  type MailSettings,
  mailSettingsOf,
} from '../domain/mail/settings.ts';
import { Problem } from '../errors.ts';
import { forgetStore, storeOf } from './customers.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** Merge patch: null clears what can be empty, absent keeps; links are merged one by one. */
export type MailSettingsChange = Partial<Omit<MailSettings, 'links'>> & {
  links?: Partial<Record<LinkPurpose, string | null>>;
};

export function toMailSettings(store: Pick<Store, 'settings' | 'version' | 'updatedAt'>) {
  const { marketingSender, contactLimit, quietHours, ...rest } = mailSettingsOf(store.settings);
  return {
    ...rest,
    ...(marketingSender && { marketingSender }),
    ...(contactLimit && { contactLimit }),
    ...(quietHours && { quietHours }),
    version: store.version,
    updatedAt: store.updatedAt,
  };
}

export async function readMailSettings(db: Db) {
  const store = await findStore(db);
  if (!store) throw new Problem('NOT_FOUND', { resource: 'store' });
  return toMailSettings(store);
}

function checkChange({
  marketingSender,
  replyTo,
  links = {},
  quietHours,
}: MailSettingsChange): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const refuse = (pointer: string, code: string, message: string) =>
    problems.push({ pointer, code, message });
  if (marketingSender && !normaliseEmail(marketingSender.email))
    refuse('/marketingSender/email', 'EMAIL_INVALID', 'Not an email address.');
  if (replyTo && !normaliseEmail(replyTo)) refuse('/replyTo', 'EMAIL_INVALID', 'Not an email address.');
  if (quietHours && quietHours.from === quietHours.to)
    refuse(
      '/quietHours/to',
      'QUIET_HOURS_INVALID',
      'Not the same time as `from`: that would be the whole day.',
    );
  for (const [purpose, url] of Object.entries(links)) {
    if (url && !url.includes(TOKEN_PLACE))
      refuse(`/links/${purpose}`, 'LINK_INVALID', `A URL with ${TOKEN_PLACE} where the secret goes.`);
  }
  return problems;
}

function merge(before: MailSettings, { links = {}, ...change }: MailSettingsChange): MailSettings {
  const kept = LINK_PURPOSES.flatMap((purpose) => {
    const url = links[purpose] === undefined ? before.links[purpose] : links[purpose];
    return url ? [[purpose, url] as const] : [];
  });
  return { ...before, ...change, links: Object.fromEntries(kept) };
}

/**
 * Changes what holds for mails.
 * @throws Problem STORE_INVALID, VERSION_MISMATCH, CONFLICT
 */
export async function updateMailSettings(ctx: Ctx, change: MailSettingsChange, ifMatch?: number) {
  const changed = await write(ctx, async (tx) => {
    const store = await storeOf({ ...ctx, db: tx });
    if (ifMatch !== undefined && ifMatch !== store.version)
      throw new Problem('VERSION_MISMATCH', { version: store.version });
    const errors = checkChange(change);
    if (errors.length > 0) throw new Problem('STORE_INVALID', { errors });
    const mail = merge(mailSettingsOf(store.settings), change);
    const { name, timezone, locale, settings } = store;
    const row = await updateRow(tx, {
      name,
      timezone,
      locale,
      settings: { ...settings, mail },
      version: store.version + 1,
      updatedAt: ctx.now,
    });
    if (!row) throw new Problem('CONFLICT');
    const fields = Object.keys(change).map((field) => `mail.${field}`);
    await tell(ctx, tx, { kind: 'store.updated', customerId: null, data: { fields } });
    return toMailSettings(row);
  });
  forgetStore(ctx.storeId);
  return changed;
}
