// Segments that ask what became of mails: over HTTP, with the reasons in words.
import t from 'tap';
import { testApp, testDatabase, testStore } from '../support/harness.ts';
import { sentMarketing } from '../support/sent-mails.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const { owner } = database;

const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);
const CAMPAIGN = '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11';

async function populated() {
  const store = await testStore(app, database);
  const person = async (name: string): Promise<string> =>
    (await store.call('POST', '/v1/customers', { email: `${name}@example.com` })).data.id;
  const [reader, silent, nobody] = [await person('reader'), await person('silent'), await person('nobody')];
  const old = await sentMarketing(store, owner, reader, daysAgo(100));
  await sentMarketing(store, owner, reader, daysAgo(3));
  const last = await sentMarketing(store, owner, silent, daysAgo(2));
  await owner.query('update messages set clicked_at = $2, delivered_at = sent_at where id = $1', [
    old,
    daysAgo(1),
  ]);
  await owner.query('update messages set campaign_id = $2, bounced_at = now() where id = $1', [
    last,
    CAMPAIGN,
  ]);
  return { store, people: { reader, silent, nobody } };
}

t.test('what mails came to tells customers apart, by event, campaign, day and number', async (t) => {
  const { store, people } = await populated();
  const cases: [query: string, names: (keyof typeof people)[]][] = [
    ["email MATCHES (event = 'sent')", ['reader', 'silent']],
    ["email MATCHES (event = 'clicked', date >= -7d)", ['reader']],
    ["email MATCHES (event = 'clicked', date < -7d)", []],
    ["email MATCHES (event = 'sent', date < -50d)", ['reader']],
    ["email MATCHES (event = 'sent', count >= 2)", ['reader']],
    ["email MATCHES (event = 'sent', count = 0)", ['nobody']],
    ['email MATCHES (count = 4)', ['reader']],
    [`email MATCHES (event = 'sent', campaign_id = '${CAMPAIGN.toUpperCase()}')`, ['silent']],
    [`email MATCHES (campaign_id != '${CAMPAIGN}')`, ['reader']],
    ["email MATCHES (event IN ('bounced', 'complained'))", ['silent']],
    ["email NOT MATCHES (event = 'clicked')", ['silent', 'nobody']],
    ['email NOT MATCHES ()', ['nobody']],
  ];
  for (const [query, names] of cases) {
    const { data } = await store.call('POST', '/v1/segments/preview', { query });
    const ids = data.customers.map(({ id }: { id: string }) => id).sort();
    t.same(ids, names.map((name) => people[name]).sort(), query);
  }
});

t.test('the reason is told in words; what cannot be meant is refused with the nearest name', async (t) => {
  const { store, people } = await populated();
  const made = await store.call('POST', '/v1/segments', {
    name: 'Readers',
    query: "email MATCHES (event = 'clicked', date >= -30d, count >= 2)",
  });
  t.equal(made.statusCode, 201, made.body);
  const url = `/v1/segments/${made.data.id}/customers/${people.reader}/explain`;
  t.match((await store.call('GET', url)).data, {
    matches: false,
    tree: { seen: '1 event of a mail fits', needed: 'count at least 2' },
  });
  const wrong: [query: string, code: string, nearest: object][] = [
    ["email MATCHES (event = 'click')", 'UNKNOWN_VALUE', { nearest: 'clicked' }],
    ["email MATCHES (event = 'opened')", 'UNKNOWN_VALUE', {}],
    ["email MATCHES (campaign_id = 'spring')", 'SEGMENT_TYPE', { expected: ['the id of a campaign'] }],
    ["email MATCHES (campain_id = 'spring')", 'UNKNOWN_ATTRIBUTE', { nearest: 'campaign_id' }],
  ];
  for (const [query, code, error] of wrong) {
    const { data } = await store.call('POST', '/v1/segments/parse', { query });
    t.match(data, { status: 422, code, errors: [error] }, query);
  }
});
