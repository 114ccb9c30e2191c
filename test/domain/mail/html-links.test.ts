// Links in HTML are found as browsers find them, and nothing else of a mail changes.
import fc from 'fast-check';
import t from 'tap';
import { rewriteLinks } from '../../../src/domain/mail/html-links.ts';

/** Every link that was found, in order. */
function linksOf(html: string): string[] {
  const found: string[] = [];
  rewriteLinks(html, (url) => {
    found.push(url);
    return undefined;
  });
  return found;
}

const to = (url: string) => () => url;

const FOUND: readonly [name: string, html: string, links: string[]][] = [
  ['double quotes', '<a href="https://a.example/">x</a>', ['https://a.example/']],
  ['single quotes', "<a href='https://a.example/'>x</a>", ['https://a.example/']],
  ['no quotes', '<a href=https://a.example/x class=y>x</a>', ['https://a.example/x']],
  ['no quotes, with an equals sign', '<a href=https://a.example/?b="c>x</a>', ['https://a.example/?b="c']],
  ['upper case and space', '<A CLASS="b"\n HREF = "https://a.example/">x</A>', ['https://a.example/']],
  ['> in another attribute', '<a title="a > b" href="https://a.example/">x</a>', ['https://a.example/']],
  ['a quote in a bare value', '<td width=5"><a href="https://a.example/">x</a>', ['https://a.example/']],
  [
    'a link in an attribute',
    '<img alt="<a href=\'https://no.example/\'>"><a href="https://a.example/">',
    ['https://a.example/'],
  ],
  ['the first of two', '<a href="https://a.example/" href="https://no.example/">', ['https://a.example/']],
  [
    'an attribute that ends in href',
    '<a data-href="https://no.example/" href="https://a.example/">',
    ['https://a.example/'],
  ],
  [
    'other elements',
    '<area href="https://no.example/"><abbr href="https://no.example/"><link href="https://no.example/">',
    [],
  ],
  [
    'comments',
    '<!-- <a href="https://no.example/"> --><a href="https://a.example/">',
    ['https://a.example/'],
  ],
  ['the shortest comment', '<!--><a href="https://a.example/">', ['https://a.example/']],
  [
    'comments of Outlook',
    '<!--[if mso]><a href="https://no.example/"><![endif]--><!--[if !mso]><!--><a href="https://a.example/"><!--<![endif]-->',
    ['https://a.example/'],
  ],
  [
    'style and script',
    '<style>a::after{content:"<a href=https://no.example/>"}</style><script>"<a href=https://no.example/>"</script><a href="https://a.example/">',
    ['https://a.example/'],
  ],
  ['title', '<title><a href="https://no.example/"></title>', []],
  ['a declaration', '<!doctype html><a href="https://a.example/">', ['https://a.example/']],
  ['a less-than sign', '1 < 2 <a href="https://a.example/">', ['https://a.example/']],
  ['nothing in it', '<a href=""><a href><a href= ><a href=" ">', []],
  [
    'references',
    '<a href="https://a.example/?b=1&amp;c=2&#38;d=3&#x26;e=&quot;f&quot;">',
    ['https://a.example/?b=1&c=2&d=3&e="f"'],
  ],
  ['bare ampersands', '<a href="https://a.example/?b=1&copy=2&c">', []],
  [
    'parameters that look like references',
    '<a href="https://a.example/?b=1&copy=2&lt=3&">',
    ['https://a.example/?b=1&copy=2&lt=3&'],
  ],
  [
    'references that no address needs',
    '<a href="https://a.example/?b=1&copy;2"><a href="https://a.example/&#0;"><a href="https://a.example/&copy">',
    [],
  ],
  ['space around', '<a href=" https://a.example/\n">', ['https://a.example/']],
  ['a line break inside', '<a href="https://a.exa\nmple/">', []],
  ['an unclosed tag', '<a href="https://a.example/"', []],
  ['an unclosed quote', '<a href="https://a.example/>x</a> <a href=\'https://no.example/>', []],
  ['an unclosed comment', '<!-- <a href="https://no.example/">', []],
  ['an unclosed style', '<style><a href="https://no.example/">', []],
  ['a closing tag', '</a href="https://no.example/">', []],
];

t.test('links are found where browsers find them', async (t) => {
  for (const [name, html, links] of FOUND) t.same(linksOf(html), links, name);
});

t.test('a link that is changed is written in quotes and escaped; everything around it stays', async (t) => {
  const html = '<p class=x>1 &lt; 2 <a\ttitle=\'"\' href=http://a.example/ target="_blank">x</a>&nbsp;</p>';
  t.equal(
    rewriteLinks(html, to('https://b.example/?c="d"&e=<f>')),
    '<p class=x>1 &lt; 2 <a\ttitle=\'"\' href="https://b.example/?c=&quot;d&quot;&amp;e=&lt;f&gt;" target="_blank">x</a>&nbsp;</p>',
  );
  t.equal(
    rewriteLinks(html, () => undefined),
    html,
  );
  t.equal(
    rewriteLinks(
      '<a href="https://a.example/">a</a><a href=\'https://b.example/\'>b</a>',
      (url) => `${url}x`,
    ),
    '<a href="https://a.example/x">a</a><a href="https://b.example/x">b</a>',
  );
});

t.test('whatever the address, the link that is written leads there', async (t) => {
  const url = fc.webUrl({ withQueryParameters: true, withFragments: true });
  fc.assert(
    fc.property(url, fc.string(), (url, noise) => {
      const written = rewriteLinks('<a href="https://a.example/">', to(url));
      t.same(linksOf(written), [url]);
      // Any text before or after changes nothing of it and breaks nothing.
      rewriteLinks(`${noise}${written}${noise}`, to(url));
    }),
  );
});

t.test('markup that never ends costs no more than its length', async (t) => {
  const hostile = [
    '<a href="',
    "<a href='",
    '<a =',
    '<!--',
    '<style>',
    '<a ',
    '<a b="c" ',
    '<a href= ',
    '<',
    '<a href=x',
    `<a ${'b="c" '.repeat(50)}`,
    "<a b= c='",
  ];
  for (const part of hostile) {
    const html = part.repeat(Math.ceil(1_000_000 / part.length));
    const started = performance.now();
    rewriteLinks(html, to('https://b.example/'));
    const ms = performance.now() - started;
    t.ok(ms < 1_000, `${part.slice(0, 20)}: ${Math.round(ms)} ms for a megabyte`);
  }
});
