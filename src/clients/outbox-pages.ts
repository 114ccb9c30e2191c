// The pages of the development outbox: a list of mails, and one mail. A mail is shown as a stranger's document: in a frame
// that runs no script, under a policy that allows none.
import { html } from 'ghtml';
import PostalMime from 'postal-mime';
import { documentOf } from './page-layout.ts';

/** No script anywhere; pictures and styles of mails are let in. A frame with `srcdoc` has this policy, too. */
export const OUTBOX_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/** What the list says of a mail. */
export interface OutboxEntry {
  name: string;
  to: string;
  subject: string;
  date: string;
}

/** A mail taken apart for showing. */
export interface OutboxMail extends OutboxEntry {
  headers: { name: string; value: string }[];
  html: string | undefined;
  text: string | undefined;
}

/** @throws Error when the bytes are no mail */
export async function readOutboxMail(name: string, raw: Buffer): Promise<OutboxMail> {
  const mail = await PostalMime.parse(raw);
  return {
    name,
    to: (mail.to ?? []).map(({ address }) => address ?? '').join(', '),
    subject: mail.subject ?? '',
    date: mail.date ?? '',
    headers: mail.headers.map(({ key, value, originalKey }) => ({ name: originalKey ?? key, value })),
    html: mail.html,
    text: mail.text,
  };
}

const STYLE = `
:root{color-scheme:light dark}
body{max-width:60rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid #8884;overflow-wrap:anywhere}
th{white-space:nowrap;font-weight:600}
iframe{width:100%;height:44rem;border:1px solid #8886;border-radius:.25rem;background:#fff}
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:1rem;border:1px solid #8886;border-radius:.25rem}
summary{cursor:pointer;margin:1rem 0}`;

const frame = (title: string, body: string): string => documentOf({ title, style: STYLE, body });

const pathOf = (name: string): string => `/dev/outbox/${name}`;

const rowOf = ({ name, to, subject, date }: OutboxEntry): string =>
  html`<tr><td><a href="${pathOf(name)}">${subject || '(no subject)'}</a></td><td>${to}</td><td>${date}</td></tr>`;

/** The newest mails. */
export function outboxPage(entries: readonly OutboxEntry[]): string {
  const table = html`<table><thead><tr><th>Subject</th><th>To</th><th>Sent</th></tr></thead><tbody>!${entries.map(rowOf).join('')}</tbody></table>`;
  const nothing = html`<p>No mail yet. Without <code>SMTP_URL</code> every mail that would be sent appears here.</p>`;
  return frame('Outbox', html`<h1>Outbox</h1>!${entries.length > 0 ? table : nothing}`);
}

/** Links of a mail open in a tab of their own: the frame may go nowhere itself. */
const inNewTabs = (content: string): string => `<base target="_blank">${content}`;

/** One mail: what a recipient sees, the text part, and every header. */
export function outboxMailPage({
  name,
  subject,
  to,
  date,
  headers,
  html: content,
  text,
}: OutboxMail): string {
  const rows = headers
    .map((header) => html`<tr><th>${header.name}</th><td>${header.value}</td></tr>`)
    .join('');
  const shown =
    content === undefined
      ? ''
      : html`<iframe title="HTML part" sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer" srcdoc="${inNewTabs(content)}"></iframe>`;
  const body = html`<p><a href="/dev/outbox">Outbox</a></p>
    <h1>${subject || '(no subject)'}</h1>
    <p>To ${to}, ${date} · <a href="${pathOf(name)}?raw=true" download>Download</a></p>
    !${shown}
    <h2>Text part</h2><pre>${text ?? '(none)'}</pre>
    <details><summary>Headers</summary><table>!${rows}</table></details>`;
  return frame(subject, body);
}
