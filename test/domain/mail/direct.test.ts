// Direct mail: what it says, how it is cut, and where commands lead.
import fc from 'fast-check';
import t from 'tap';
import { CAMPAIGN_STATUSES } from '../../../src/domain/mail/campaigns.ts';
import { paragraphsOf, planMessageCommand } from '../../../src/domain/mail/direct.ts';

t.test('an empty line begins a paragraph, whatever the line ends are', async (t) => {
  const cases: [text: string, paragraphs: string[]][] = [
    ['one', ['one']],
    ['one\ntwo', ['one\ntwo']],
    ['one\r\ntwo', ['one\ntwo']],
    ['one\n\ntwo', ['one', 'two']],
    ['one\r\n\r\ntwo', ['one', 'two']],
    ['one\r\rtwo', ['one', 'two']],
    ['one\n \t\u00a0\n\n\ntwo', ['one', 'two']],
    ['\n\n  one  \n\n', ['one']],
    ['one\n- two\n- three\n\nfour', ['one\n- two\n- three', 'four']],
    ['\n \n', []],
  ];
  for (const [text, paragraphs] of cases) t.same(paragraphsOf(text), paragraphs, JSON.stringify(text));
});

t.test('no word is lost or moved', async (t) => {
  const word = fc.constantFrom('a', 'b', ' ', '\n', '\r', '\t', '\r\n', '\n\n');
  fc.assert(
    fc.property(fc.array(word), (words) => {
      const text = words.join('');
      const bare = (some: string) => some.replace(/\s+/g, '');
      const paragraphs = paragraphsOf(text);
      t.equal(bare(paragraphs.join('')), bare(text));
      t.ok(paragraphs.every((paragraph) => !/\n\s*\n|\r/.test(paragraph)));
    }),
  );
});

t.test('a mail of a campaign is tried again while the campaign sends, or will', async (t) => {
  for (const campaign of CAMPAIGN_STATUSES) {
    const plan = planMessageCommand('retry', { status: 'failed', campaign });
    const isOpen = campaign === 'running' || campaign === 'paused';
    t.match(
      plan,
      isOpen ? { status: 'ready' } : { refused: 'CAMPAIGN_STATE_CONFLICT', campaignStatus: campaign },
    );
    t.match(planMessageCommand('mark_sent', { status: 'unknown', campaign }), { status: 'sent' });
  }
});
