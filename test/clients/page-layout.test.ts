// The frame of public pages: escaped, readable in any colour, allowed nothing that it does not need.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import {
  button,
  choice,
  errorSummary,
  field,
  form,
  NOBODYS_PAGE,
  page,
  paragraphs,
  policyOf,
} from '../../src/clients/page-layout.ts';
import { contrast, isHexColor, READABLE, readableOn, textOn } from '../../src/domain/mail/colors.ts';

const store = {
  name: 'Käse & Söhne',
  color: '#ffee00',
  logoUrl: null,
  websiteUrl: 'https://shop.example.com/?a=1&b=2',
  locale: 'de',
};

t.test('any colour of a shop gives text that can be read, in light and dark (WCAG AA)', async (t) => {
  const hex = fc.integer({ min: 0, max: 0xffffff }).map((value) => `#${value.toString(16).padStart(6, '0')}`);
  fc.assert(
    fc.property(hex, fc.constantFrom('#ffffff', '#15181c'), (color, background) => {
      return (
        contrast(textOn(color), color) >= READABLE &&
        contrast(readableOn(color, background), background) >= READABLE
      );
    }),
  );
  t.equal(readableOn('#1f4e79', '#ffffff'), '#1f4e79', 'what can be read stays as it is');
  t.equal(Math.round(contrast('#000000', '#ffffff')), 21);
  t.ok(isHexColor('#A0b1C2'));
  t.notOk(isHexColor('red') || isHexColor('#fff'));
});

t.test('what the shop or a visitor wrote is text, never markup', (t) => {
  const evil = '"><script>alert(1)</script>';
  const document = page({
    store: { ...store, name: evil, websiteUrl: `https://x.example/${evil}`, logoUrl: evil },
    title: evil,
    status: { tone: 'problem', text: evil },
    body: [
      paragraphs(evil),
      field({ name: 'x', label: evil, value: evil, hint: evil, error: evil }),
      choice({ name: 'y', value: evil, label: evil, hint: evil, checked: true, lang: evil }),
      errorSummary([{ field: evil, text: evil }]),
      button({ label: evil, name: evil, value: evil }),
    ].join(''),
  });
  t.notMatch(document, '<script');
  t.notMatch(document, /="[^"]*">alert/);
  t.end();
});

t.test('the page says its language, the shop its own; one heading, a title, room for small screens', (t) => {
  const document = page({ store, title: 'Thank you', body: paragraphs('Done.') });
  t.match(document, /<html lang="en">/);
  t.match(document, /lang="de" dir="auto">Käse &#38; Söhne</);
  t.match(document, '<title>Thank you – Käse &#38; Söhne</title>');
  t.match(document, 'width=device-width');
  t.equal(document.match(/<h1>/g)?.length, 1);
  t.notMatch(
    page({ store: NOBODYS_PAGE, title: 'Gone', body: '' }),
    '<header>',
    'pages of nobody show no shop',
  );
  t.end();
});

t.test(
  'the policy lets in the style of the page by its hash, pictures and our own form, nothing else',
  (t) => {
    const document = page({ store, title: 'A', body: form(button({ label: 'Go' })) });
    const style = /<style>(.*?)<\/style>/s.exec(document)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    t.equal(
      policyOf(document),
      `default-src 'none'; style-src 'sha256-${hash}'; img-src https: data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    );
    t.not(
      policyOf(document),
      policyOf(page({ store: { ...store, color: '#000000' }, title: 'A', body: '' })),
    );
    t.end();
  },
);

t.test('a field tells its hint and its error to those who cannot see them', (t) => {
  const input = field({
    name: 'password',
    label: 'Password',
    hint: 'Long.',
    error: 'Too short.',
    required: true,
  });
  t.match(input, '<label for="password">');
  t.match(input, 'aria-describedby="password-hint password-error"');
  t.match(input, 'aria-invalid="true"');
  t.match(input, 'id="password-error"');
  t.notMatch(field({ name: 'a', label: 'A' }), /aria-/);
  t.match(errorSummary([{ field: 'password', text: 'Too short.' }]), /role="alert".*href="#password"/s);
  t.equal(errorSummary([]), '');
  t.end();
});
