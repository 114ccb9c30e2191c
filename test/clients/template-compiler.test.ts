import t from 'tap';
import { compileTemplate } from '../../src/clients/template-compiler.ts';
import type { TemplateSource } from '../../src/domain/mail/templates.ts';

const template = (source: string, over: Partial<TemplateSource> = {}): TemplateSource => ({
  format: 'mjml',
  subject: 'Subject',
  preheader: '',
  source,
  textSource: null,
  locale: 'en',
  ...over,
});

const column = (content: string, attributes = '') =>
  `<mjml><mj-body><mj-section ${attributes}><mj-column>${content}</mj-column></mj-section></mj-body></mjml>`;

async function compiled(source: string, over: Partial<TemplateSource> = {}) {
  const outcome = await compileTemplate(template(source, over));
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
  return outcome;
}

async function problems(source: string, over: Partial<TemplateSource> = {}) {
  const outcome = await compileTemplate(template(source, over));
  return outcome.ok ? [] : outcome.problems;
}

t.test(
  'Liquid comes through MJML unharmed: in text, attributes, URLs, colours and around rows',
  async (t) => {
    const source = column(
      `<mj-raw>{% for item in order.items %}</mj-raw>
<mj-text color="{{ store.color }}">{{ item.title | append: "<b>&" }}</mj-text>
<mj-button href="https://shop.example/{{ item.sku }}?a=1&b={{ item.quantity }}">Go</mj-button>
<mj-raw>{% endfor %}</mj-raw>
<mj-table>{% for item in order.items %}<tr><td>{{ item.title }}</td><td>{{ item.total | money }}</td></tr>{% endfor %}</mj-table>
<mj-text>{% if customer.ordersCount < 3 and "a" != "b" %}few{% endif %}{% raw %}{{ literal }}{% endraw %}</mj-text>`,
      'background-color="{{ store.color }}"',
    );
    const { html, text } = await compiled(source);
    for (const piece of [
      '{% for item in order.items %}',
      'color:{{ store.color }}',
      '{{ item.title | append: "<b>&" }}',
      'href="https://shop.example/{{ item.sku }}?a=1&b={{ item.quantity }}"',
      'background-color:{{ store.color }}',
      'bgcolor="{{ store.color }}"',
      '{% if customer.ordersCount < 3 and "a" != "b" %}few{% endif %}',
      '{% raw %}{{ literal }}{% endraw %}',
    ])
      t.ok(html.includes(piece), piece);
    t.notMatch(html, /zq\d|#e1\d{4}/);
    t.ok(text.includes('Go (https://shop.example/{{ item.sku }}?a=1&b={{ item.quantity }})'), text);
    t.ok(
      text.includes('{% for item in order.items %}{{ item.title }} {{ item.total | money }}\n{% endfor %}'),
      text,
    );
  },
);

t.test('stand-ins never meet what the source says itself', async (t) => {
  const { html } = await compiled(
    column('<mj-text color="#e10000">zq0x0z {{ store.name }} #e10000</mj-text>'),
  );
  t.ok(html.includes('zq0x0z {{ store.name }} #e10000'));
  t.ok(html.includes('color:#e10000'));
});

t.test('the preheader is hidden, first in the body, and not in the text', async (t) => {
  const { html, text } = await compiled(column('<mj-text>Body</mj-text>'), {
    preheader: 'Look & see {{ store.name }}',
  });
  t.match(
    html,
    /<body[^>]*>\s*<div class="preheader" style="display:none[^>]*>Look &amp; see \{\{ store\.name \}\}/,
  );
  t.equal(text, 'Body');
  const plain = await compiled('<p>Body</p>', { format: 'html', preheader: 'Look' });
  t.match(plain.html, /^<div class="preheader"/);
});

t.test('HTML is taken as it is, with a text part made from it', async (t) => {
  const source =
    '<html><body><h1>Hello {{ customer.name }}</h1><p>One</p><p>Two <a href="{{ links.shop }}">shop</a></p></body></html>';
  const { html, text } = await compiled(source, { format: 'html' });
  t.equal(html, source);
  t.equal(text, 'Hello {{ customer.name }}\n\nOne\n\nTwo shop ({{ links.shop }})');
});

t.test('a text of its own is taken as it is', async (t) => {
  const { text, uses } = await compiled(column('<mj-text>Body</mj-text>'), {
    textSource: 'Hello {{ data.x }}',
  });
  t.equal(text, 'Hello {{ data.x }}');
  t.same(uses, [{ path: 'data.x', pointer: '/textSource', line: 1 }]);
});

t.test(
  'what is used is found in all parts, and what the template makes itself is not among it',
  async (t) => {
    const { uses } = await compiled(
      column(
        '<mj-text>{% assign total = order.total %}{% for item in order.items %}{{ item.title }}{{ forloop.index }}{% endfor %}\n{{ total | money }}{{ customer.custom["shoe"] }}{{ data.list[0].name }}</mj-text>',
      ),
      { subject: '{{ order.number }}', preheader: '{% if offer.code %}!{% endif %}' },
    );
    t.same(
      uses.map(({ path, pointer }) => `${pointer} ${path}`),
      [
        '/subject order.number',
        '/preheader offer.code',
        '/source order.total',
        '/source order.items',
        '/source customer.custom.shoe',
        '/source data.list',
      ],
    );
  },
);

t.test('mistakes are told with their place and the nearest name', async (t) => {
  t.match(await problems(column('<mj-text>\n{{ order.total | moneey }}</mj-text>')), [
    { pointer: '/source', code: 'FILTER_UNKNOWN', line: 2, nearest: 'money' },
  ]);
  t.match(await problems(column('<mj-text>x</mj-text>'), { subject: '{% iff x %}' }), [
    { pointer: '/subject', code: 'TAG_UNKNOWN', line: 1, nearest: 'if' },
  ]);
  t.match(await problems(column('<mj-text>{{ x </mj-text>')), [{ code: 'LIQUID_SYNTAX' }]);
  t.match(await problems(column('<mj-txt>x</mj-txt>')), [{ code: 'MJML_INVALID', line: 1 }]);
  t.match(await problems(column('<mj-text colour="red">x</mj-text>')), [
    { code: 'MJML_INVALID', message: 'mj-text: Attribute colour is illegal' },
  ]);
});

t.test('no template reads a file', async (t) => {
  t.match(await problems('<mjml><mj-body><mj-include path="/etc/passwd" /></mj-body></mjml>'), [
    { code: 'INCLUDE_REFUSED' },
  ]);
  for (const tag of ['include', 'render', 'layout', 'block'])
    t.match(
      await problems(column(`<mj-text>{% ${tag} "/etc/passwd" %}</mj-text>`)),
      [{ code: 'TAG_UNKNOWN' }],
      tag,
    );
});

t.test('fonts from elsewhere are not loaded: they would tell that the mail was read', async (t) => {
  const { html } = await compiled(column('<mj-text font-family="Roboto">x</mj-text>'));
  t.notMatch(html, /googleapis|@import|<link/);
});

t.test('sources made to hurt end soon, with a word about it', async (t) => {
  await compiled(column('<mj-text>warm</mj-text>'));
  const hostile: [name: string, source: string, format: 'mjml' | 'html', code: string][] = [
    ['many elements', column('<mj-text>a</mj-text>'.repeat(4_000)), 'mjml', 'TOO_MANY_ELEMENTS'],
    ['as many as may be', column('<mj-divider />'.repeat(295)), 'mjml', ''],
    ['deep elements', '<b>'.repeat(80_000), 'html', 'TOO_MANY_ELEMENTS'],
    ['nested elements', '<div>'.repeat(4_900), 'html', 'TOO_DEEP'],
    ['deep tags', `${'{% if true %}'.repeat(10_000)}${'{% endif %}'.repeat(10_000)}`, 'html', 'TOO_DEEP'],
    ['deep brackets', `{{ x${'[x'.repeat(5_000)}${']'.repeat(5_000)} }}`, 'html', 'TOO_DEEP'],
    ['open brackets', '<'.repeat(250_000), 'mjml', 'MJML_INVALID'],
    ['open outputs', '{{ "'.repeat(60_000), 'html', 'LIQUID_SYNTAX'],
    ['a megabyte', 'x'.repeat(1_100_000), 'html', 'LIQUID_SYNTAX'],
  ];
  for (const [name, source, format, code] of hostile) {
    const times: number[] = [];
    // Other suites run beside this one: the better of two.
    for (let turn = 0; turn < 2; turn++) {
      const begun = performance.now();
      const found = await problems(source, { format });
      times.push(performance.now() - begun);
      t.equal(found[0]?.code ?? '', code, name);
    }
    const tookMs = Math.min(...times);
    t.ok(tookMs < 500, `${name}: ${Math.round(tookMs)} ms`);
  }
});
