// The frame that all ready-made mails share: the shop's name and colour above, its address below, one column between.
// Readable from 320 px on, in light and dark; the buttons and links take the shop's colour.
import type { MessageClass } from '../messages.ts';
import type { TemplateVariable } from '../templates.ts';

/** A template that every new store has. */
export interface ReadyMade {
  key: string;
  name: string;
  class: MessageClass;
  subject: string;
  /** What lists of mails show beside the subject. */
  preheader: string;
  /** MJML. */
  source: string;
  variables: TemplateVariable[];
}

const FONTS = "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif";

const STYLE = `
.frame a { color: inherit; }
@media (prefers-color-scheme: dark) {
  body, div[role="article"], .frame { background: #101317 !important; }
  .card, .card > table { background: #1b1f24 !important; }
  .card td, .card div, .card h1, .card h2, .card p { color: #e8eaed !important; }
  .card .quiet, .frame div, .frame td { color: #a7b0ba !important; }
  .card .panel { background: #272c33 !important; }
  .card .rule { border-color: #3b424b !important; }
  .card a.link { color: #9ecbff !important; }
  .logo { background: #ffffff; padding: 6px; border-radius: 4px; }
}`;

const HEAD = `<mj-head>
<mj-attributes>
<mj-all font-family="${FONTS}" />
<mj-text font-size="16px" line-height="1.55" color="#1f2933" padding="0 32px 16px" />
<mj-table font-size="16px" line-height="1.45" color="#1f2933" padding="0 32px 16px" />
<mj-button background-color="{{ store.color }}" color="{{ store.textOnColor }}" font-size="16px" font-weight="600" border-radius="6px" inner-padding="14px 28px" padding="8px 32px 24px" align="left" />
<mj-section padding="0" />
</mj-attributes>
<mj-style>${STYLE}</mj-style>
<mj-raw><meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark"></mj-raw>
</mj-head>`;

const NAME_STYLE = 'font-size:18px;font-weight:700;text-decoration:none';
const BRAND =
  '{% if store.logoUrl %}<img class="logo" src="{{ store.logoUrl }}" alt="{{ store.name }}" height="40" style="height:40px;max-width:240px;border:0">{% else %}{{ store.name }}{% endif %}';

const HEADER = `<mj-section css-class="frame"><mj-column><mj-text css-class="html-only" padding="28px 32px 20px" color="#1f2933">{% if store.url %}<a href="{{ store.url }}" style="${NAME_STYLE}">${BRAND}</a>{% else %}<span style="${NAME_STYLE}">${BRAND}</span>{% endif %}</mj-text></mj-column></mj-section>`;

const ADDRESS =
  '{% unless store.postalAddress contains store.name %}{{ store.name }}<br>{% endunless %}{% if store.postalAddress %}{{ store.postalAddress | newline_to_br }}{% endif %}';

const WAY_OUT =
  '<br><br>You get this mail because you asked for news from {{ store.name }}.<br><a href="{{ links.unsubscribe }}">Unsubscribe</a> &middot; <a href="{{ links.preferences }}">Choose what you get</a>';

/** For mails of staff, which may be of either class. */
export const PREFERENCES =
  '{% if links.preferences %}<br><br><a href="{{ links.preferences }}">Choose which mails you get</a>{% endif %}';

const footer = (wayOut: string): string =>
  `<mj-section css-class="frame"><mj-column><mj-text font-size="13px" line-height="1.5" color="#55606b" padding="20px 32px 40px">${ADDRESS}${wayOut}</mj-text></mj-column></mj-section>`;

/** A whole mail of a class around the parts of its column. */
export const framed = (messageClass: MessageClass, ...parts: readonly string[]): string =>
  framedAbove(messageClass === 'marketing' ? WAY_OUT : '', ...parts);

/** A whole mail with these last words. */
export const framedAbove = (wayOut: string, ...parts: readonly string[]): string => `<mjml>
${HEAD}
<mj-body background-color="#f2f4f6" width="600px">
${HEADER}
<mj-section css-class="card" background-color="#ffffff" border-top="4px solid {{ store.color }}" border-radius="0 0 8px 8px" padding="32px 0 16px"><mj-column>
${parts.join('\n')}
</mj-column></mj-section>
${footer(wayOut)}
</mj-body>
</mjml>
`;

export const heading = (words: string): string =>
  `<mj-text padding="0 32px 12px"><h1 style="margin:0;font-size:24px;line-height:1.3;font-weight:700">${words}</h1></mj-text>`;

/** By name where it is known. */
export const GREETING =
  '<mj-text>Hello{% if customer.firstName %} {{ customer.firstName }}{% endif %},</mj-text>';

export const text = (...paragraphs: readonly string[]): string =>
  paragraphs.map((words) => `<mj-text>${words}</mj-text>`).join('\n');

export const quiet = (words: string): string =>
  `<mj-text font-size="14px" color="#55606b" css-class="quiet"><span class="quiet">${words}</span></mj-text>`;

/** Text on a tinted ground, for what the mail is about. */
export const panel = (content: string): string =>
  `<mj-text padding="0 32px 20px"><div class="panel" style="background:#f2f4f6;border-radius:6px;padding:16px 20px">${content}</div></mj-text>`;

export const link = (url: string, words: string): string =>
  `<a class="link" href="{{ ${url} }}" style="color:{{ store.linkColor }}">${words}</a>`;

export const button = (label: string, url: string): string =>
  `<mj-button href="{{ ${url} }}">${label}</mj-button>`;

/** Parts that are there only when the variable has a value. */
export const when = (variable: string, ...parts: readonly string[]): string =>
  `<mj-raw>{% if ${variable} %}</mj-raw>\n${parts.join('\n')}\n<mj-raw>{% endif %}</mj-raw>`;

/** How long a secret link is good for. */
export const EXPIRY = when(
  'data.expiresAt',
  quiet('The link is good until {{ data.expiresAt | date_local: "datetime" }} and works once.'),
);

export const EXPIRY_VARIABLE: TemplateVariable = {
  name: 'data.expiresAt',
  description: 'When the link ends.',
  example: '2026-03-03T09:30:00Z',
};

/** A button whose address can be copied too: some programs show no buttons. */
export const sureButton = (label: string, url: string): string =>
  `${button(label, url)}
<mj-text font-size="14px" color="#55606b"><div class="html-only quiet">If the button does not work, open this address: <span style="word-break:break-all">${link(url, `{{ ${url} }}`)}</span></div></mj-text>`;

export const SIGNATURE = text('Kind regards<br>{{ store.name }}');

const CELL = 'padding:10px 0;border-bottom:1px solid #dde2e7;vertical-align:top';
const TOTAL = 'padding:6px 0';

const sumRow = (label: string, value: string, sign = ''): string =>
  `<tr><td style="${TOTAL}">${label}</td><td style="${TOTAL};text-align:right;white-space:nowrap">${sign}{{ ${value} | money }}</td></tr>`;

/** The lines of the order with what they come to. */
export const ORDER_TABLE = `<mj-table>
{% for item in order.items %}
<tr><td class="rule" style="${CELL}">{{ item.quantity }} &times; {{ item.title }}</td><td class="rule" style="${CELL};text-align:right;white-space:nowrap">{{ item.total | money }}</td></tr>
{% endfor %}
{% if order.discount %}
${sumRow('Discount', 'order.discount', '&minus;')}
{% endif %}
${sumRow('Shipping', 'order.shipping')}
<tr><td style="${TOTAL};font-weight:700">Total</td><td style="${TOTAL};text-align:right;font-weight:700;white-space:nowrap">{{ order.total | money }}</td></tr>
</mj-table>`;

const LINES = ['name', 'company', 'line1', 'line2'];
const addressLine = (line: string): string =>
  `{% if order.shippingAddress.${line} %}{{ order.shippingAddress.${line} }}<br>{% endif %}`;

export const SHIPPING_ADDRESS = when(
  'order.shippingAddress',
  panel(
    `<strong>Delivery to</strong><br>${LINES.map(addressLine).join('')}{% if order.shippingAddress.postcode %}{{ order.shippingAddress.postcode }} {% endif %}{{ order.shippingAddress.city | default: '' }}{% if order.shippingAddress.countryCode %}<br>{{ order.shippingAddress.countryCode }}{% endif %}`,
  ),
);
