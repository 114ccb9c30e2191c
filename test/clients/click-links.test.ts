// Counted links: which ones lead through us, and that they lead on to where they led.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { type ClickTracking, trackClicks } from '../../src/clients/click-links.ts';
import { clickKeyOf, mailSecrets, readClickToken } from '../../src/clients/mail-identity.ts';

const secrets = mailSecrets(Buffer.alloc(32, 1), Buffer.alloc(32, 2));
const PREFIX = 'https://mail.service.example/c/';
const UNSUBSCRIBE = 'https://mail.service.example/pages/unsubscribe/token';

const tracking = (): ClickTracking => ({
  prefix: PREFIX,
  key: clickKeyOf(secrets),
  storeId: randomUUID(),
  id: randomUUID(),
});

/** Where the links of the document lead. */
const hrefs = (html: string): string[] => [...html.matchAll(/href="([^"]*)"/g)].map(([, url = '']) => url);

t.test('web links lead through us, signed for the mail, and on to where they led', async (t) => {
  const clicks = tracking();
  const html = '<a href="https://shop.example/?a=1&amp;b=%20">x</a> <a href=HTTP://shop.example/b>y</a>';
  const [first = '', second = ''] = hrefs(trackClicks(html, clicks, [])).map((url) =>
    url.slice(PREFIX.length),
  );
  const { storeId, id } = clicks;
  t.same(readClickToken(secrets, first), { storeId, id, url: 'https://shop.example/?a=1&b=%20' });
  t.same(readClickToken(secrets, second), { storeId, id, url: 'HTTP://shop.example/b' });
  t.equal(trackClicks(html, clicks, []), trackClicks(html, clicks, []), 'a retry has the same links');
  t.not(trackClicks(html, clicks, []), trackClicks(html, { ...clicks, id: randomUUID() }, []));
});

t.test('whatever is no page to be counted stays as it is, to the byte', async (t) => {
  const kept = [
    `<a href="${UNSUBSCRIBE}">out</a>`,
    `<a href='${UNSUBSCRIBE}?all=1&amp;x'>out of all</a>`,
    `<a href="${PREFIX}abc">counted already</a>`,
    '<a href="mailto:shop@store.example?subject=a&amp;body=b">mail</a>',
    '<a href="tel:+4930123456">phone</a>',
    '<a href="#top">up</a>',
    '<a href="/relative">relative</a>',
    '<a href="//shop.example/">relative to what?</a>',
    '<a href="javascript:alert(1)">no</a>',
    '<a href="https://">nowhere</a>',
    '<a name="top">anchor</a>',
    `<a href="https://shop.example/?q=${'a'.repeat(1_500)}">too long</a>`,
    '<link href="https://shop.example/style.css"><img src="https://shop.example/logo.png">',
  ];
  for (const html of kept) t.equal(trackClicks(html, tracking(), [UNSUBSCRIBE]), html);
});

t.test('a mail of 10 kB with ten links costs little beside rendering it', async (t) => {
  const row = '<tr><td class="c" style="padding:0 32px 16px;word-break:break-word">Candle</td></tr>';
  const links = Array.from(
    { length: 10 },
    (_, n) => `<p><a class="l" href="https://shop.example/${n}">x</a></p>`,
  );
  const html = `<html><head><style>a{b:c}</style></head><body>${row.repeat(110)}${links.join('')}</body></html>`;
  t.ok(html.length > 9_500 && html.length < 11_000);
  const clicks = tracking();
  const rounds = 2_000;
  for (let round = 0; round < 500; round++) trackClicks(html, clicks, []);
  const before = process.cpuUsage();
  for (let round = 0; round < rounds; round++) trackClicks(html, clicks, []);
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1_000 / rounds;
  t.comment(`${ms.toFixed(3)} ms`);
  t.ok(ms < 0.3, 'three times what it takes on an idle machine');
});
