// Pages about consent: the preference centre, confirming, unsubscribing. What they say and ask.
import { html } from 'ghtml';
import {
  backToShop,
  button,
  choice,
  form,
  type PageStore,
  page,
  paragraphs,
  type Status,
} from './page-layout.ts';

interface ShownTopic {
  key: string;
  name: string;
  description: string;
  subscribed: boolean;
}

interface ShownPreferences {
  email: string | null;
  topics: readonly ShownTopic[];
  contactLimit: number | null;
}

/** Name of the button that ends everything. */
export const EVERYTHING = 'everything';
/** Name of the field that says that the checkboxes count. */
export const SAVE = 'save';

/** Mails in 30 days that can be chosen. */
const LIMITS = [1, 2, 4, 8] as const;

function limitField(chosen: number | null): string {
  const known = chosen === null || LIMITS.some((limit) => limit === chosen) ? LIMITS : [...LIMITS, chosen];
  const option = (value: string, label: string, isChosen: boolean) =>
    html`<option value="${value}"!${isChosen ? ' selected' : ''}>${label}</option>`;
  const options = known.map((limit) =>
    option(
      `${limit}`,
      limit === 1 ? 'At most 1 mail in 30 days' : `At most ${limit} mails in 30 days`,
      limit === chosen,
    ),
  );
  return html`<div class="field">
<label for="contactLimit">How often?</label>
<select id="contactLimit" name="contactLimit">
!${option('', 'As often as the shop writes', chosen === null)}
!${options}
</select>
</div>`;
}

/** What beside a checkbox is agreed to; kept as the wording of the consent. */
export const wordingOf = ({ name, description }: Pick<ShownTopic, 'name' | 'description'>): string =>
  [name, description].filter(Boolean).join(': ');

export function preferencesPage(store: PageStore, preferences: ShownPreferences, status?: Status): string {
  const { email, topics, contactLimit } = preferences;
  const choices = topics.map(({ key, name, description, subscribed }) =>
    choice({
      name: 'topics',
      value: key,
      label: name,
      ...(description && { hint: description }),
      checked: subscribed,
      lang: store.locale,
    }),
  );
  const saving = form(`<input type="hidden" name="${SAVE}" value="yes">
<fieldset><legend>What would you like to get mails about?</legend>${choices.join('')}</fieldset>
${limitField(contactLimit)}
${button({ label: 'Save' })}`);
  const ending = form(
    button({ label: 'Unsubscribe from everything', name: EVERYTHING, value: 'yes', second: true }),
  );
  const intro = email ? html`<p>These are the choices for <strong>${email}</strong>.</p>` : '';
  const note = paragraphs('Mails about your orders and your account are not affected.');
  return page({
    store,
    title: 'Your mail preferences',
    body: `${intro}${saving}<hr>${ending}${note}${backToShop(store)}`,
    status,
  });
}

export function confirmPage(
  store: PageStore,
  { email, topics }: { email: string; topics: readonly { name: string }[] },
) {
  const names = topics.map(({ name }) => html`<li lang="${store.locale}" dir="auto">${name}</li>`);
  return page({
    store,
    title: 'Please confirm',
    body: html`<p>Would you like to get mails at <strong>${email}</strong> about</p>
<ul>!${names}</ul>
!${form(button({ label: 'Yes, confirm' }))}
!${paragraphs('If you did not ask for this, just close the page: nothing will be sent.')}`,
  });
}

export const confirmedPage = (store: PageStore, email: string): string =>
  page({
    store,
    title: 'Thank you',
    body: `${paragraphs(`The address ${email} is confirmed.`, 'Each mail has a link with which you can change your mind.')}${backToShop(store)}`,
  });

export const confirmationExpiredPage = (store: PageStore): string =>
  page({
    store,
    title: 'This link has expired',
    body: `${paragraphs('It could be used for seven days. Please sign up again, and we will send a new one.')}${backToShop(store)}`,
  });

const aboutTopic = (store: PageStore, topic: string | null): string =>
  topic === null ? 'all news and offers' : html`“<span lang="${store.locale}" dir="auto">${topic}</span>”`;

export const unsubscribePage = (
  store: PageStore,
  { email, topic }: { email: string; topic: string | null },
): string =>
  page({
    store,
    title: 'Unsubscribe',
    body: html`<p>No more mails about !${aboutTopic(store, topic)} to <strong>${email}</strong>?</p>
!${form(button({ label: 'Unsubscribe', name: 'unsubscribe', value: 'yes' }))}`,
  });

export const unsubscribedPage = (
  store: PageStore,
  { email, topic }: { email: string; topic: string | null },
): string =>
  page({
    store,
    title: 'You are unsubscribed',
    body: html`<p><strong>${email}</strong> gets no more mails about !${aboutTopic(store, topic)}.</p>
!${paragraphs('One that is on its way already may still arrive.')}!${backToShop(store)}`,
  });
