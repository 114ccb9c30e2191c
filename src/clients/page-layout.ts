// The frame of every public page: one column in the shop's name and colour, readable in light and dark, without script.
// Words are English, so is the page's `lang`; what the shop wrote itself is marked with the shop's language.
import { createHash } from 'node:crypto';
import { html } from 'ghtml';
import { isHexColor, readableOn, textOn } from '../domain/mail/colors.ts';

/** What a page shows of the shop. */
export interface PageStore {
  /** Empty on pages of nobody, such as those of unknown links. */
  name: string;
  /** `#rrggbb`. */
  color: string;
  logoUrl: string | null;
  websiteUrl: string | null;
  /** BCP 47 language of the shop's own words. */
  locale: string;
}

/** What the page of a link that belongs to nobody shows. */
export const NOBODYS_PAGE: PageStore = {
  name: '',
  color: '#1f4e79',
  logoUrl: null,
  websiteUrl: null,
  locale: 'en',
};

/** An answer to what was sent, above everything else on the page. */
export interface Status {
  tone: 'done' | 'problem';
  text: string;
}

export interface PageContent {
  store: PageStore;
  title: string;
  /** Markup that is escaped already: made by `html` or the helpers below. */
  body: string;
  status?: Status | undefined;
}

/** Of page and card the one on which text is harder to read, by day and by night. */
const PAPER = '#f4f5f7';
const NIGHT = '#15181c';

const STYLE = `
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:1.0625rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header,main,footer{max-width:34rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2rem}
header a,header span{font-weight:700;color:var(--brand-text);text-decoration:none}
header img{display:block;max-width:12rem;max-height:4rem}
main{margin-top:1.5rem;padding-top:1.75rem;padding-bottom:1.75rem;background:var(--card);border-top:.25rem solid var(--brand);border-radius:.5rem}
footer{padding-top:1rem;padding-bottom:2rem;font-size:.9375rem;color:var(--quiet)}
h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25;overflow-wrap:anywhere}
p,ul,fieldset{margin:0 0 1rem}
ul{padding-left:1.25rem}
a{color:var(--brand-text)}
form{margin:0}
fieldset{border:0;padding:0;min-width:0}
legend{padding:0;margin-bottom:.5rem;font-weight:600}
label{font-weight:600}
.field{margin-bottom:1.25rem}
.field label{display:block;margin-bottom:.25rem}
.choice{display:flex;gap:.75rem;align-items:flex-start;padding:.5rem 0}
.choice input{flex:none;width:1.5rem;height:1.5rem;margin:.05rem 0 0;accent-color:var(--brand)}
.hint{display:block;font-size:.9375rem;font-weight:400;color:var(--quiet)}
.error{display:block;margin-bottom:.25rem;color:var(--bad);font-weight:600}
input:not([type=checkbox]),select{width:100%;min-height:2.75rem;padding:.5rem .75rem;font:inherit;color:inherit;background:var(--page);border:1px solid var(--line);border-radius:.375rem}
input[aria-invalid=true]{border:2px solid var(--bad)}
button{min-height:2.75rem;padding:.5rem 1.25rem;font:inherit;font-weight:600;color:var(--on-brand);background:var(--brand);border:1px solid var(--brand-text);border-radius:.375rem;cursor:pointer}
button.second{color:var(--brand-text);background:transparent}
hr{border:0;border-top:1px solid var(--line);margin:1.5rem 0}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
.status{padding:.75rem 1rem;margin:0 0 1.25rem;border:1px solid var(--line);border-left:.375rem solid var(--good);border-radius:.375rem}
.status.problem{border-left-color:var(--bad)}
.status p:last-child,.status ul:last-child{margin:0}
`.replaceAll('\n', '');

const LIGHT =
  '--page:#f4f5f7;--card:#ffffff;--ink:#1b1f24;--quiet:#55606b;--line:#7a8590;--good:#1a7f37;--bad:#b3261e;--focus:#0b57d0';
const DARK =
  '--page:#0d0f12;--card:#15181c;--ink:#e8eaed;--quiet:#a7b0ba;--line:#7a8590;--good:#56d364;--bad:#ff8a80;--focus:#8ab4f8';

const styles = new Map<string, string>();
const MAX_STYLES = 1_000;

const variablesOf = (color: string, background: string): string =>
  `--brand:${color};--on-brand:${textOn(color)};--brand-text:${readableOn(color, background)}`;

/** The style of a shop's pages; its colour is all that differs. */
function styleOf(color: string): string {
  let style = styles.get(color);
  if (style === undefined) {
    style =
      `:root{color-scheme:light dark;${LIGHT};${variablesOf(color, PAPER)}}` +
      `@media(prefers-color-scheme:dark){:root{${DARK};${variablesOf(color, NIGHT)}}}${STYLE}`;
    if (styles.size >= MAX_STYLES) styles.clear();
    styles.set(color, style);
  }
  return style;
}

function brand({ name, logoUrl, websiteUrl, locale }: PageStore): string {
  const shown = logoUrl ? html`<img src="${logoUrl}" alt="${name}">` : html`${name}`;
  if (websiteUrl) return html`<a href="${websiteUrl}" lang="${locale}" dir="auto">!${shown}</a>`;
  return html`<span lang="${locale}" dir="auto">!${shown}</span>`;
}

const statusLine = ({ tone, text }: Status): string =>
  tone === 'done'
    ? html`<div class="status" role="status"><p>${text}</p></div>`
    : html`<div class="status problem" role="alert"><p>${text}</p></div>`;

/** A whole HTML document that search engines leave alone; style and body are markup that is escaped already. */
export const documentOf = ({ title, style, body }: { title: string; style: string; body: string }): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>${title}</title>
<style>!${style}</style>
</head>
<body>
!${body}
</body>
</html>
`;

/** A public page in the shop's name. */
export function page({ store, title, body, status }: PageContent): string {
  const head = store.name ? html`<header>!${brand(store)}</header>` : '';
  const full = store.name ? `${title} – ${store.name}` : title;
  return documentOf({
    title: full,
    style: styleOf(isHexColor(store.color) ? store.color : NOBODYS_PAGE.color),
    body: html`!${head}
<main>
<h1>${title}</h1>
!${status ? statusLine(status) : ''}
!${body}
</main>`,
  });
}

/** What the browser may do with a page: show its own style and pictures, send its form to us, and nothing else. */
export function policyOf(document: string): string {
  const style = /<style>(.*?)<\/style>/s.exec(document)?.[1] ?? '';
  const hash = createHash('sha256').update(style).digest('base64');
  return `default-src 'none'; style-src 'sha256-${hash}'; img-src https: data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;
}

export interface Field {
  /** Name in the form, and id on the page. */
  name: string;
  label: string;
  type?: 'text' | 'password' | 'email';
  value?: string | undefined;
  /** Token of the HTML autofill list, such as `new-password`. */
  autocomplete?: string;
  hint?: string;
  /** What is wrong with what was entered. */
  error?: string | undefined;
  required?: boolean;
}

/** A labelled input; hint and error are told with it (aria-describedby). */
export function field({ name, label, type = 'text', value, autocomplete, hint, error, required }: Field) {
  const described = [hint && `${name}-hint`, error && `${name}-error`].filter(Boolean).join(' ');
  return html`<div class="field">
<label for="${name}">${label}</label>
!${hint ? html`<span class="hint" id="${name}-hint">${hint}</span>` : ''}
!${error ? html`<span class="error" id="${name}-error">${error}</span>` : ''}
<input id="${name}" name="${name}" type="${type}" value="${value}"
!${autocomplete ? html` autocomplete="${autocomplete}"` : ''}!${required ? ' required' : ''}
!${error ? ' aria-invalid="true"' : ''}!${described ? html` aria-describedby="${described}"` : ''}>
</div>`;
}

export interface Choice {
  name: string;
  value: string;
  label: string;
  hint?: string;
  checked: boolean;
  /** Language of label and hint when the shop wrote them. */
  lang?: string;
}

/** A checkbox with its label and a line about it. */
export function choice({ name, value, label, hint, checked, lang }: Choice): string {
  const id = `${name}-${value}`;
  const language = lang ? html` lang="${lang}" dir="auto"` : '';
  return html`<div class="choice">
<input type="checkbox" id="${id}" name="${name}" value="${value}"!${checked ? ' checked' : ''}!${hint ? html` aria-describedby="${id}-hint"` : ''}>
<div!${language}><label for="${id}">${label}</label>!${hint ? html`<span class="hint" id="${id}-hint">${hint}</span>` : ''}</div>
</div>`;
}

/** Leads to each field that was refused; put it above the form. */
export function errorSummary(errors: readonly { field: string; text: string }[]): string {
  if (errors.length === 0) return '';
  const items = errors.map(({ field, text }) => html`<li><a href="#${field}">${text}</a></li>`);
  return html`<div class="status problem" role="alert"><p>Please look at this again:</p><ul>!${items}</ul></div>`;
}

export interface Button {
  label: string;
  name?: string;
  value?: string;
  /** Drawn without filling: not what most people want. */
  second?: boolean;
}

export const button = ({ label, name, value, second }: Button): string =>
  html`<p><button type="submit"!${name ? html` name="${name}" value="${value}"` : ''}!${second ? ' class="second"' : ''}>${label}</button></p>`;

/** A form that is sent to the address of its own page. The server says what is wrong, in words of ours. */
export const form = (content: string): string => html`<form method="post" novalidate>!${content}</form>`;

/** Paragraphs of plain text. */
export const paragraphs = (...texts: readonly string[]): string =>
  texts.map((text) => html`<p>${text}</p>`).join('\n');

/** The way on, if the shop has said where its own pages are. */
export const backToShop = ({ websiteUrl, name }: PageStore): string =>
  websiteUrl ? html`<p><a href="${websiteUrl}">Go to ${name}</a></p>` : '';
