// Which clicks people made: a table of programs and times.
import t from 'tap';
import { burstAround, isMachine } from '../../../src/domain/mail/clicks.ts';

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36';

const PEOPLE = [
  CHROME,
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0',
  'Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 50) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15',
];
const PROGRAMS = [
  undefined,
  '',
  ' ',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
  'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)',
  'facebookexternalhit/1.1',
  'WhatsApp/2.23.20.0',
  'Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0) SkypeUriPreview Preview/0.5',
  'Microsoft Office Existence Discovery',
  'BarracudaCentral',
  'Mimecast-URL-Scanner',
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36',
  'curl/8.5.0',
  'Wget/1.21.4',
  'python-requests/2.32.3',
  'Go-http-client/2.0',
  'Java/17.0.9',
  'okhttp/4.12.0',
];

const SENT = new Date('2026-03-01T10:00:00Z');
const after = (ms: number): Date => new Date(SENT.getTime() + ms);
const mail = { sentAt: SENT, isLeaving: false };
const click = (ms: number, userAgent: string | undefined = CHROME) => ({
  url: 'https://shop.example/a',
  at: after(ms),
  userAgent,
});

t.test('programs are told from people by what they call themselves', async (t) => {
  for (const name of PEOPLE) t.equal(isMachine(mail, click(60_000, name), []), false, name);
  for (const userAgent of PROGRAMS)
    t.equal(isMachine(mail, { ...click(60_000), userAgent }, []), true, `${userAgent}`);
});

t.test('nobody follows a link within 3 s of the mail, nor before it is gone', async (t) => {
  const cases: [ms: number, machine: boolean][] = [
    [-500, true],
    [0, true],
    [2_999, true],
    [3_000, false],
    [86_400_000, false],
  ];
  for (const [ms, machine] of cases) t.equal(isMachine(mail, click(ms), []), machine, `${ms} ms`);
  t.equal(isMachine({ sentAt: null, isLeaving: true }, click(0), []), true);
  t.equal(isMachine({ sentAt: null, isLeaving: false }, click(0), []), false, 'when it went is not known');
});

t.test('different links of one mail within a second are no hand’s work; one link twice may be', async (t) => {
  const other = (url: string, ms: number) => ({ url, at: after(60_000 + ms) });
  const cases: [name: string, other: { url: string; at: Date }, isBurst: boolean][] = [
    ['another link, a second before', other('https://shop.example/b', -1_000), true],
    ['another link, more than a second before', other('https://shop.example/b', -1_001), false],
    ['another link, whose request was faster', other('https://shop.example/b', 200), true],
    ['the same link twice', other('https://shop.example/a', -300), false],
  ];
  for (const [name, other, isBurst] of cases) {
    const burst = burstAround(click(60_000), [other]);
    t.equal(burst.length > 0, isBurst, name);
    t.equal(isMachine(mail, click(60_000), burst), isBurst, name);
  }
});
