import { simpleParser } from 'mailparser';
import t from 'tap';
import { makeMails } from '../../src/actions/mail-making.ts';
import { templateFor } from '../../src/actions/templates.ts';
import { createRenderer } from '../../src/clients/mail-renderer.ts';
import { transaction } from '../../src/db/connection.ts';
import { takeMessages } from '../../src/db/messages.ts';
import { findTemplateFor } from '../../src/db/templates.ts';
import { READY_MADE } from '../../src/domain/mail/ready-made/templates.ts';
import { openWorkshop } from '../../src/mail.ts';
import { TEST_CONFIG, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { toldEvents } from '../support/told-events.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

const SOURCE =
  '<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ customer.firstName }}, {{ data.code }}</mj-text></mj-column></mj-section></mj-body></mjml>';

const NEW = {
  key: 'spring_greeting',
  locale: 'en',
  name: 'Spring greeting',
  class: 'transactional',
  subject: 'Spring at {{ store.name }}',
  source: SOURCE,
  variables: [{ name: 'data.code', example: 'SPRING' }],
};

const key = () => ({ 'idempotency-key': crypto.randomUUID() });

async function created(store: TestStore, over: object = {}) {
  const answer = await store.call('POST', '/v1/templates', { ...NEW, ...over });
  if (answer.statusCode !== 201) throw new Error(answer.body);
  return answer.data;
}

const publish = (store: TestStore, id: string) => store.call('POST', `/v1/templates/${id}/publish`);

t.test('a new store has all ready-made templates, published', async (t) => {
  const store = await testStore(app, database);
  const { data } = await store.call('GET', '/v1/templates?limit=100');
  t.same(
    data.data.map((row: { key: string }) => row.key),
    READY_MADE.map((template) => template.key).sort(),
  );
  t.ok(data.data.every((row: { publishedVersion: number }) => row.publishedVersion === 1));
  t.notOk(data.data.some((row: object) => 'source' in row || 'html' in row));
  const welcome = data.data.find((row: { key: string }) => row.key === 'welcome');
  const version = await store.call('GET', `/v1/templates/${welcome.id}/versions/1`);
  t.match(version.data, {
    number: 1,
    publishedBy: 'staff:tester',
    html: /<html/,
    text: /Nice to have you here/,
  });
});

t.test('a store that was opened earlier gets them when it asks, or when a mail looks for one', async (t) => {
  const store = await testStore(app, database);
  await database.owner.query('delete from templates where store_id = $1', [store.storeId]);
  const ctx = store.ctx();
  const wanted = { key: 'invitation', language: 'fr', locale: 'de' };
  t.equal(await findTemplateFor(ctx.db, wanted), undefined);
  const found = await Promise.all(
    [1, 2].map(() => transaction(ctx.db, (tx) => templateFor(ctx, tx, wanted))),
  );
  t.match(found, [{ key: 'invitation', locale: 'en', number: 1 }, { key: 'invitation' }]);
  t.equal(await transaction(ctx.db, (tx) => templateFor(ctx, tx, { ...wanted, key: 'nothing' })), undefined);
  await database.owner.query('delete from templates where store_id = $1', [store.storeId]);
  t.equal((await store.call('GET', '/v1/templates?limit=100')).data.data.length, READY_MADE.length);
});

t.test('a draft is made, changed and published; mails take the published version', async (t) => {
  const store = await testStore(app, database);
  const { db } = store.ctx();
  const template = await created(store);
  const url = `/v1/templates/${template.id}`;
  const wanted = { key: NEW.key, language: null, locale: 'en' };
  t.match(template, { format: 'mjml', missing: 'fail', version: 1, preheader: '', textSource: null });
  t.notOk('publishedVersion' in template);
  t.equal(await findTemplateFor(db, wanted), undefined);
  const published = await publish(store, template.id);
  t.match(published.data, { publishedVersion: 1, version: 2 });
  t.equal(published.headers.etag, '"2"');
  t.match(await findTemplateFor(db, wanted), {
    number: 1,
    subject: NEW.subject,
    missing: 'fail',
    class: 'transactional',
  });
  const changed = await store.call('PATCH', url, { subject: 'Summer' }, { 'if-match': '"2"' });
  t.match(changed.data, { subject: 'Summer', publishedVersion: 1, version: 3 });
  t.equal((await findTemplateFor(db, wanted))?.subject, NEW.subject);
  t.equal(
    (await store.call('PATCH', url, { subject: 'x' }, { 'if-match': '"2"' })).data.code,
    'VERSION_MISMATCH',
  );
  t.match((await publish(store, template.id)).data, { publishedVersion: 2, version: 4 });
  t.equal((await findTemplateFor(db, wanted))?.subject, 'Summer');
  t.match(
    (await publish(store, template.id)).data,
    { publishedVersion: 2, version: 4 },
    'again is no change',
  );
  const { data: versions } = await store.call('GET', `${url}/versions`);
  t.match(versions.data, [
    { number: 2, subject: 'Summer' },
    { number: 1, subject: NEW.subject },
  ]);
  t.match((await store.call('GET', `${url}/versions/1`)).data, {
    subject: NEW.subject,
    source: SOURCE,
    html: /\{\{ data\.code \}\}/,
  });
  const events = await toldEvents(store, 'template', ({ length }) => length >= 4);
  t.same(
    events.map(({ kind }) => kind),
    ['template.created', 'template.published', 'template.updated', 'template.published'],
  );
});

t.test('publishing twice at once makes one version', async (t) => {
  const store = await testStore(app, database);
  const { id } = await created(store);
  const answers = await Promise.all([publish(store, id), publish(store, id), publish(store, id)]);
  t.ok(answers.every(({ statusCode, data }) => statusCode === 200 || data.code === 'CONFLICT'));
  t.equal((await store.call('GET', `/v1/templates/${id}/versions`)).data.data.length, 1);
});

t.test('publishing tells every place to mend, and the published version stays', async (t) => {
  const store = await testStore(app, database);
  const template = await created(store);
  await publish(store, template.id);
  const url = `/v1/templates/${template.id}`;
  await store.call('PATCH', url, {
    subject: 'Spring at {{ stor.name }}',
    source: SOURCE.replace('customer.firstName', 'customer.fristName').replace('data.code', 'data.cod'),
    variables: [...NEW.variables, { name: 'data.unused' }],
  });
  const { statusCode, data } = await publish(store, template.id);
  t.equal(statusCode, 422);
  t.match(data, {
    code: 'TEMPLATE_INVALID',
    errors: [
      { pointer: '/subject', code: 'VARIABLE_UNKNOWN', line: 1, nearest: 'store.name' },
      { pointer: '/source', code: 'VARIABLE_UNDECLARED', nearest: 'customer.firstName' },
      { pointer: '/source', code: 'VARIABLE_UNDECLARED', nearest: 'data.code' },
      { pointer: '/variables/0', code: 'VARIABLE_UNUSED' },
      { pointer: '/variables/1', code: 'VARIABLE_UNUSED' },
    ],
  });
  t.equal((await store.call('GET', url)).data.publishedVersion, 1);
  await store.call('PATCH', url, { subject: '{{ x | nope }}' });
  t.match((await publish(store, template.id)).data.errors, [{ code: 'FILTER_UNKNOWN', pointer: '/subject' }]);
});

t.test('M7 marketing without a way to unsubscribe is not published', async (t) => {
  const store = await testStore(app, database);
  const { id } = await created(store, { class: 'marketing' });
  t.match((await publish(store, id)).data.errors, [{ code: 'UNSUBSCRIBE_LINK_MISSING', pointer: '/source' }]);
  const source = SOURCE.replace('</mj-text>', ' <a href="{{ links.unsubscribe }}">Unsubscribe</a></mj-text>');
  await store.call('PATCH', `/v1/templates/${id}`, { source });
  t.equal((await publish(store, id)).statusCode, 200);
});

t.test('key and language are taken once; languages are written in one way', async (t) => {
  const store = await testStore(app, database);
  const { locale } = await created(store, { locale: 'DE_at' });
  t.equal(locale, 'de-AT');
  const again = await store.call('POST', '/v1/templates', { ...NEW, locale: 'de-AT' });
  t.same([again.statusCode, again.data.code], [409, 'TEMPLATE_KEY_TAKEN']);
  const [one, other] = await Promise.all(
    [1, 2].map(() => store.call('POST', '/v1/templates', { ...NEW, locale: 'fr' })),
  );
  t.same([one?.statusCode, other?.statusCode].sort(), [201, 409]);
  for (const wrong of [{ locale: '12' }, { variables: [{ name: 'window.x' }] }])
    t.equal(
      (await store.call('POST', '/v1/templates', { ...NEW, key: 'x', ...wrong })).data.code,
      'TEMPLATE_INVALID',
    );
  t.equal((await store.call('POST', '/v1/templates', { ...NEW, key: 'No Key' })).statusCode, 400);
  t.equal(
    (await store.call('POST', '/v1/templates', { ...NEW, source: 'x'.repeat(300_000) })).statusCode,
    400,
  );
  t.equal(
    (await store.call('POST', '/v1/templates', { ...NEW, source: 'x'.repeat(1_100_000) })).statusCode,
    413,
  );
});

t.test(
  'a mail takes the customer’s language, else its base, the store’s, English; archived ones are no choice',
  async (t) => {
    const store = await testStore(app, database);
    const { db } = store.ctx();
    const made: Record<string, string> = {};
    for (const locale of ['pt', 'pt-BR', 'de', 'en']) {
      const { id } = await created(store, { locale });
      made[locale] = id;
      await publish(store, id);
    }
    const pick = async (language: string | null, locale: string) =>
      (await findTemplateFor(db, { key: NEW.key, language, locale }))?.locale;
    t.equal(await pick('pt-BR', 'de'), 'pt-BR');
    t.equal(await pick('pt-PT', 'de'), 'pt');
    t.equal(await pick('fr', 'de-AT'), 'de');
    t.equal(await pick(null, 'it'), 'en');
    const url = `/v1/templates/${made['pt-BR']}`;
    t.ok((await store.call('POST', `${url}/archive`)).data.archivedAt);
    t.equal(await pick('pt-BR', 'de'), 'pt');
    t.equal((await store.call('PATCH', url, { subject: 'x' })).data.code, 'TEMPLATE_ARCHIVED');
    t.equal((await publish(store, made['pt-BR'] ?? '')).data.code, 'TEMPLATE_ARCHIVED');
    t.equal((await store.call('GET', '/v1/templates?archived=true')).data.data.length, 1);
    const restored = await store.call('POST', `${url}/restore`);
    t.notOk('archivedAt' in restored.data);
    t.equal(await pick('pt-BR', 'de'), 'pt-BR');
  },
);

t.test('what mails of the service fall back to cannot be archived', async (t) => {
  const store = await testStore(app, database);
  const { data } = await store.call('GET', '/v1/templates?key=password_reset');
  const answer = await store.call('POST', `/v1/templates/${data.data[0].id}/archive`);
  t.same([answer.statusCode, answer.data.code], [409, 'TEMPLATE_NEEDED']);
});

t.test(
  'a preview shows the draft or a version, with a customer or with examples, and what is missing',
  async (t) => {
    const store = await testStore(app, database);
    const template = await created(store);
    const preview = (body: object) => store.call('POST', `/v1/templates/${template.id}/preview`, body);
    const examples = (await preview({})).data;
    t.match(examples, {
      subject: 'Spring at Test store',
      text: /Hello Ada, SPRING/,
      html: /Hello Ada, SPRING/,
      missing: [],
    });
    const { data: customer } = await store.call('POST', '/v1/customers', {
      email: 'grace@example.com',
      firstName: 'Grace <b>',
    });
    const real = (await preview({ customerId: customer.id, variables: { data: { code: '<i>' } } })).data;
    t.match(real.html, /Hello Grace &lt;b&gt;, &lt;i&gt;/);
    t.match(real.text, /Hello Grace <b>, <i>/);
    const { data: nameless } = await store.call('POST', '/v1/customers', { email: 'nobody@example.com' });
    const bare = (await preview({ customerId: nameless.id })).data;
    t.same(bare.missing, ['customer.firstName']);
    t.equal((await preview({ version: 1 })).statusCode, 404);
    await publish(store, template.id);
    await store.call('PATCH', `/v1/templates/${template.id}`, { subject: 'Draft' });
    t.equal((await preview({ version: 1 })).data.subject, 'Spring at Test store');
    t.equal((await preview({})).data.subject, 'Draft');
    t.equal((await preview({ customerId: crypto.randomUUID() })).data.code, 'REFERENCE_UNKNOWN');
    await store.call('PATCH', `/v1/templates/${template.id}`, {
      source:
        '<mjml><mj-body><mj-raw>{% for i in (1..9999) %}{% for j in (1..9999) %}{{ customer.firstName }}{{ data.code }}{% endfor %}{% endfor %}</mj-raw></mj-body></mjml>',
    });
    t.match((await preview({})).data, {
      code: 'TEMPLATE_NOT_RENDERED',
      reason: 'TEMPLATE_TIMEOUT',
      line: Number,
    });
  },
);

t.test(
  'every ready-made template can be previewed with a customer of whom only the address is known',
  async (t) => {
    const store = await testStore(app, database);
    const { data: customer } = await store.call('POST', '/v1/customers', { email: 'bare@example.com' });
    const { data } = await store.call('GET', '/v1/templates?limit=100');
    for (const { id, key: name } of data.data) {
      const answer = await store.call('POST', `/v1/templates/${id}/preview`, { customerId: customer.id });
      t.equal(answer.statusCode, 200, name);
      const lacks = answer.data.missing.filter((path: string) => !/^(?:points|tier)\./.test(path));
      t.same(lacks, [], name);
    }
  },
);

t.test('a test is queued as a mail of what was tried, once for each key', async (t) => {
  const store = await testStore(app, database);
  const template = await created(store);
  const url = `/v1/templates/${template.id}/test`;
  t.equal((await store.call('POST', url, { to: 'me@example.com' })).data.code, 'IDEMPOTENCY_KEY_REQUIRED');
  const headers = key();
  const first = await store.call('POST', url, { to: 'Me@Example.com' }, headers);
  t.equal(first.statusCode, 202);
  t.equal(first.headers.location, `/v1/messages/${first.data.messageId}`);
  t.same((await store.call('POST', url, { to: 'Me@Example.com' }, headers)).data, first.data);
  const { rows } = await database.owner.query('select * from messages where store_id = $1', [store.storeId]);
  t.match(rows, [
    {
      kind: 'test',
      class: 'transactional',
      status: 'pending',
      to_email: 'me@example.com',
      customer_id: null,
      template_version: -1,
    },
  ]);
  t.equal(rows.length, 1);
  t.same(
    (await store.call('GET', `/v1/templates/${template.id}/versions`)).data.data,
    [],
    'a trial is no version',
  );
  await publish(store, template.id);
  await store.call('POST', url, { to: 'me@example.com', version: 1 }, key());
  await store.call('POST', url, { to: 'me@example.com' }, key());
  const { rows: numbers } = await database.owner.query(
    'select template_version from messages where store_id = $1 order by id',
    [store.storeId],
  );
  t.same(
    numbers.map((row) => row.template_version),
    [-1, 1, -2],
  );
  t.equal((await store.call('POST', url, { to: 'a@b\r\nBcc: c@d' }, key())).statusCode, 422);
  t.equal(
    (await store.call('POST', url, { to: 'me@example.com', customerId: crypto.randomUUID() }, key())).data
      .code,
    'REFERENCE_UNKNOWN',
  );
});

t.test(
  'a test of a draft becomes a mail with the values of the customer, examples for all else',
  async (t) => {
    const store = await testStore(app, database);
    const { data: customer } = await store.call('POST', '/v1/customers', {
      email: 'grace@example.com',
      firstName: 'Grace',
    });
    const template = await created(store, {
      subject: 'Order {{ order.number }} for {{ customer.firstName }}',
    });
    const body = { to: 'me@example.com', customerId: customer.id };
    await store.call('POST', `/v1/templates/${template.id}/test`, body, key());
    await store.call('PATCH', `/v1/templates/${template.id}`, { subject: 'Later' });
    const ctx = store.ctx(new Date(Date.now() + 1_000));
    const leaseUntil = new Date(ctx.now.getTime() + 60_000);
    const mails = await takeMessages(ctx.db, { leaseId: ctx.newId(), now: ctx.now, leaseUntil, limit: 10 });
    const renderer = createRenderer({ threads: 1 });
    t.teardown(() => renderer.close());
    const workshop = await openWorkshop(TEST_CONFIG, renderer);
    const [made] = await makeMails(ctx, workshop, mails);
    if (made?.kind !== 'ready') throw new Error(JSON.stringify(made));
    t.match(made.mail, { to: 'me@example.com', subject: 'Order 10482 for Grace', templateVersion: -1 });
    const mail = await simpleParser(made.mail.raw);
    t.match(mail.text, /Hello Grace, SPRING/);
  },
);

t.test('the language is told: roots and known variables with examples', async (t) => {
  const store = await testStore(app, database);
  const { data } = await store.call('GET', '/v1/templates/language');
  t.ok(data.roots.includes('customer'));
  t.match(
    data.variables.find((one: { name: string }) => one.name === 'order.number'),
    { example: '10482' },
  );
});

t.test('templates of another store are not there', async (t) => {
  const [mine, theirs] = [await testStore(app, database), await testStore(app, database)];
  const { id } = await created(theirs);
  const calls: [method: string, path: string, body?: object][] = [
    ['GET', ''],
    ['PATCH', '', { subject: 'x' }],
    ['POST', '/publish'],
    ['POST', '/archive'],
    ['POST', '/restore'],
    ['POST', '/preview', {}],
    ['POST', '/test', { to: 'me@example.com' }],
    ['GET', '/versions'],
    ['GET', '/versions/1'],
  ];
  for (const [method, path, body] of calls)
    t.equal(
      (await mine.call(method, `/v1/templates/${id}${path}`, body, key())).statusCode,
      404,
      `${method} ${path}`,
    );
});
