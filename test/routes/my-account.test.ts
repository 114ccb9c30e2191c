// Self-service of signed-in customers, and who may check out.
import t from 'tap';
import { hashPassword } from '../../src/actions/passwords.ts';
import { transaction } from '../../src/db/connection.ts';
import { savePassword } from '../../src/db/credentials.ts';
import { DEFAULT_PROGRAMME } from '../../src/domain/loyalty/programme.ts';
import { type Answer, call, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

type Visit = (
  method: string,
  url: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>;

const visitor =
  (token: string): Visit =>
  (method, url, body, headers) =>
    call(app, token, method, `/storefront/v1${url}`, body, headers);

const codeOf = ({ data }: Answer): string | undefined => data?.code;

/** A customer with a token, and what they see of the storefront. */
async function shopper(store: TestStore, customer: object = {}): Promise<{ id: string; visit: Visit }> {
  const given = { email: `${crypto.randomUUID()}@example.com`, accountStatus: 'active', ...customer };
  const { data } = await store.call('POST', '/v1/customers', given);
  const made = await store.call('POST', `/v1/customers/${data.id}/storefront-tokens`, {});
  return { id: data.id, visit: visitor(made.data.token) };
}

const ORDER = {
  status: 'confirmed',
  currency: 'EUR',
  placedAt: '2026-01-01T10:00:00Z',
  updatedAt: '2026-01-01T10:00:00Z',
  items: [{ title: 'Lamp', quantity: 1, unitPrice: 5_000_000_000 }],
  total: 5_000_000_000,
};

t.test('the own profile shows what is mine and nothing that staff noted for itself', async (t) => {
  const store = await testStore(app, database);
  const { id, visit } = await shopper(store, { lastName: 'Lovelace', tags: ['difficult'], note: 'canary' });
  const me = await visit('GET', '/me');
  t.equal(me.statusCode, 200);
  t.match(me.data, { id, lastName: 'Lovelace', accountStatus: 'active' });
  t.match(me.headers, { etag: `"${me.data.version}"` });
  t.notMatch(me.body, /difficult|canary|salesAgent|wholesale|externalId/);
  const again = await visit('GET', '/me', undefined, { 'if-none-match': String(me.headers.etag) });
  t.equal(again.statusCode, 304);
  t.equal((await visitor(store.publishableKey)('GET', '/me')).statusCode, 401);
});

t.test('C8 C9 the own profile changes by merge patch, held to its version and told', async (t) => {
  const store = await testStore(app, database);
  const { id, visit } = await shopper(store, { lastName: 'Byron' });
  const patch = {
    lastName: 'Lovelace',
    phone: '+49 30 901820',
    language: 'en-GB',
    timezone: 'Europe/London',
  };
  const changed = await visit('PATCH', '/me', patch);
  t.match(changed.data, { lastName: 'Lovelace', phone: '+4930901820', version: 2 });
  t.equal(codeOf(await visit('PATCH', '/me', { lastName: 'X' }, { 'if-match': '"1"' })), 'VERSION_MISMATCH');
  const wrong = await visit('PATCH', '/me', { phone: 'none', timezone: 'Mars/Olympus' });
  t.same(
    wrong.data.errors.map((error: { pointer: string }) => error.pointer),
    ['/phone', '/timezone'],
  );
  for (const field of ['email', 'wholesale', 'externalId', 'accountStatus', 'tags', 'salesAgentId'])
    t.equal(
      (await visit('PATCH', '/me', { [field]: null })).statusCode,
      400,
      `${field} is not mine to change`,
    );
  const { data } = await store.call('GET', `/v1/customers/${id}/timeline?kind=customer.updated`);
  t.match(data.data[0], { actor: `customer:${id}`, data: { changes: { lastName: ['Byron', 'Lovelace'] } } });
});

t.test('C2 whoever would be nobody keeps what says who it is', async (t) => {
  const store = await testStore(app, database);
  const { visit } = await shopper(store, { email: undefined, accountStatus: 'guest', lastName: 'Byron' });
  t.equal(codeOf(await visit('PATCH', '/me', { lastName: null })), 'CUSTOMER_NEEDS_IDENTITY');
});

t.test('P8 members edit their birthday once a calendar year; the first time is no edit', async (t) => {
  const store = await testStore(app, database);
  const { referrals: _, ...programme } = DEFAULT_PROGRAMME;
  const made = await store.call('PUT', '/v1/loyalty/programme', programme);
  t.equal(made.statusCode, 201, made.body);
  const { id, visit } = await shopper(store);
  const enrolled = await store.call('POST', `/v1/customers/${id}/loyalty/enrol`);
  t.equal(enrolled.statusCode, 200, enrolled.body);
  const born = (month: number, day: number, year?: number) =>
    visit('PATCH', '/me', { birthday: { month, day, ...(year && { year }) } });
  t.equal((await born(2, 28)).statusCode, 200, 'given');
  t.equal((await born(2, 28, 1992)).statusCode, 200, 'the year alone is no other day');
  t.equal((await born(3, 1)).statusCode, 200, 'the edit of this year');
  const again = await born(3, 2);
  t.equal(again.statusCode, 422);
  t.equal(codeOf(again), 'BIRTHDAY_EDITED_THIS_YEAR');
  t.equal(
    codeOf(await visit('PATCH', '/me', { birthday: null })),
    'BIRTHDAY_EDITED_THIS_YEAR',
    'nor take it away',
  );
  t.match((await visit('GET', '/me')).data.birthday, { month: 3, day: 1 });
  t.equal((await visit('PATCH', '/me', { firstName: 'Ada' })).statusCode, 200, 'everything else may change');
  await database.owner.query(
    'update loyalty_members set birthday_edited_year = birthday_edited_year - 1 where customer_id = $1',
    [id],
  );
  const races = await Promise.all([born(4, 1), born(5, 1), born(6, 1)]);
  t.same(races.map(({ statusCode }) => statusCode).sort(), [200, 422, 422], 'of several at once one counts');
  const staff = await store.call('PATCH', `/v1/customers/${id}`, { birthday: { month: 7, day: 1 } });
  t.equal(staff.statusCode, 200, 'staff can always');
});

t.test('A1 A2 A3 A4 own addresses; those of others are not found', async (t) => {
  const store = await testStore(app, database);
  const { visit } = await shopper(store);
  const other = await shopper(store);
  const first = await visit('POST', '/me/addresses', { city: 'Berlin', countryCode: 'DE' });
  t.match(first.data, { isDefault: true });
  t.equal(first.headers.location, `/storefront/v1/me/addresses/${first.data.id}`);
  const one = `/me/addresses/${first.data.id}`;
  t.equal(codeOf(await visit('DELETE', one)), 'LAST_ADDRESS');
  const second = await visit('POST', '/me/addresses', { city: 'Paris', countryCode: 'FR', isDefault: true });
  t.match((await visit('GET', one)).data, { isDefault: false });
  t.match((await visit('PATCH', one, { city: 'Potsdam' })).data, { city: 'Potsdam' });
  for (const [method, body] of [['GET'], ['PATCH', { city: 'Rome' }], ['DELETE']] as const)
    t.equal((await other.visit(method, one, body)).statusCode, 404, method);
  t.equal((await visit('DELETE', `/me/addresses/${second.data.id}`)).statusCode, 204);
  const list = await visit('GET', '/me/addresses');
  t.match(list.data.data, [{ id: first.data.id, isDefault: true }]);
  t.match((await visit('GET', '/me')).data.defaultAddress, { city: 'Potsdam' });
});

t.test(
  'O5 own orders in pages, without what staff know of them; those of others are not found',
  async (t) => {
    const store = await testStore(app, database);
    const { id, visit } = await shopper(store);
    const other = await shopper(store);
    for (const [index, total] of [5_000_000_000, 100, 300].entries()) {
      const item = { title: 'Lamp', quantity: 1, unitPrice: total };
      const placedAt = `2026-01-0${index + 1}T10:00:00Z`;
      await store.call('PUT', `/v1/orders/mine-${index}`, {
        ...ORDER,
        placedAt,
        total,
        items: [item],
        customer: { id },
      });
    }
    await store.call('PUT', '/v1/orders/theirs', { ...ORDER, customer: { id: other.id } });
    const page = await visit('GET', '/me/orders?limit=2');
    t.same(
      page.data.data.map((order: { externalId: string }) => order.externalId),
      ['mine-2', 'mine-1'],
    );
    const rest = await visit('GET', `/me/orders?limit=2&cursor=${page.data.page.nextCursor}`);
    t.match(rest.data.data, [{ externalId: 'mine-0', total: 5_000_000_000 }]);
    t.notMatch(page.body, /snapshot|groupIds/);
    const dear = await visit('GET', '/me/orders?sort=-total&placedFrom=2026-01-01T00:00:00Z');
    t.equal(dear.data.data[0].externalId, 'mine-0');
    t.match((await visit('GET', '/me/orders/mine-1')).data, { total: 100 });
    t.equal((await visit('GET', `/me/orders/${dear.data.data[0].id}`)).statusCode, 200, 'also by our id');
    t.equal((await visit('GET', '/me/orders/theirs')).statusCode, 404);
  },
);

t.test('the export has everything about me in one document of the documented shape', async (t) => {
  const store = await testStore(app, database);
  const { id, visit } = await shopper(store, {
    lastName: 'Lovelace',
    tags: ['VIP'],
    note: 'canary of staff',
  });
  const key = () => ({ 'idempotency-key': crypto.randomUUID() });
  for (let index = 0; index < 3; index++)
    await store.call('PUT', `/v1/orders/export-${index}`, { ...ORDER, customer: { id } });
  await visit('POST', '/me/addresses', { city: 'Berlin', countryCode: 'DE' });
  const grant = { amount: 3_000_000_000, currency: 'EUR', reason: 'canary of a reason' };
  await store.call('POST', `/v1/customers/${id}/credit`, grant, key());
  await database.owner.query(
    `insert into messages (store_id, id, customer_id, kind, class, status, subject, to_email, data, created_at, sent_at)
     values ($1, $2, $3, 'welcome', 'transactional', 'sent', 'Hello', 'ada@example.com', '{"secret": "canary of data"}', now(), now()),
       ($1, $4, $3, 'welcome', 'transactional', 'pending', 'Later', null, '{}', now(), null)`,
    [store.storeId, crypto.randomUUID(), id, crypto.randomUUID()],
  );
  const answer = await visit('POST', '/me/export', {});
  t.equal(answer.statusCode, 200, answer.body);
  t.match(answer.headers, { 'content-disposition': /my-data\.json/, 'cache-control': 'no-store' });
  const { data } = answer;
  t.match(data, {
    format: 'clientele.personal-data/1',
    store: 'Test store',
    profile: { id, lastName: 'Lovelace', tags: ['VIP'] },
    addresses: [{ city: 'Berlin', isDefault: true }],
    credit: [{ currency: 'EUR', available: 3_000_000_000 }],
    movements: [{ unit: 'EUR', amount: 3_000_000_000 }],
    messages: [{ subject: 'Hello' }],
    consents: [],
    identities: [],
    sessions: [],
  });
  t.equal(data.orders.length, 3);
  t.equal(data.messages.length, 1, 'what was not sent is no message');
  t.notMatch(answer.body, /canary|snapshot|contentKey|cityKey|storeId/);
  const shape = app.swagger() as unknown as {
    components: { schemas: Record<string, { properties: Record<string, unknown> }> };
  };
  const documented = Object.keys(shape.components.schemas.PersonalData?.properties ?? {});
  t.same(
    Object.keys(data).filter((name) => !documented.includes(name)),
    [],
    'nothing beyond the documented shape',
  );
  t.same(
    documented.filter((name) => !(name in data)),
    ['loyalty'],
    'and all of it, but for a membership',
  );
  const { data: told } = await store.call('GET', `/v1/customers/${id}/timeline?kind=personal_data.exported`);
  t.equal(told.data.length, 1);
});

t.test('the export reads lists of any length page by page', async (t) => {
  const store = await testStore(app, database);
  const { id, visit } = await shopper(store);
  const orders = Array.from({ length: 500 }, (_, index) => ({
    ...ORDER,
    externalId: `p-${index}`,
    customer: { id },
  }));
  for (const half of [orders, orders.map((order) => ({ ...order, externalId: `q${order.externalId}` }))])
    t.equal((await store.call('POST', '/v1/orders/batch', { orders: half })).statusCode, 200);
  await store.call('PUT', '/v1/orders/last', { ...ORDER, customer: { id } });
  const { data } = await visit('POST', '/me/export', {});
  t.equal(new Set(data.orders.map((order: { externalId: string }) => order.externalId)).size, 1001);
});

t.test('a wish to be forgotten is a task for staff; it can be taken back and asked again', async (t) => {
  const store = await testStore(app, database);
  const { id, visit } = await shopper(store);
  t.same((await visit('GET', '/me/deletion-request')).data, { status: 'none' });
  t.equal((await visit('DELETE', '/me/deletion-request')).statusCode, 204, 'nothing to take back');
  const asked = await Promise.all([1, 2, 3].map(() => visit('POST', '/me/deletion-request', {})));
  t.same(new Set(asked.map(({ statusCode }) => statusCode)), new Set([202]));
  const tasks = async () => (await store.call('GET', `/v1/tasks?customerId=${id}`)).data.data;
  const [task, ...others] = await tasks();
  t.same(others, [], 'asked three times at once, one task');
  t.match(task, { customerId: id, allDay: true, done: false });
  t.match((await visit('GET', '/me/deletion-request')).data, { status: 'open', dueAt: task.dueAt });
  t.equal((await visit('DELETE', '/me/deletion-request')).statusCode, 204);
  t.same(await tasks(), []);
  t.same((await visit('GET', '/me/deletion-request')).data, { status: 'none' });
  await visit('POST', '/me/deletion-request', {});
  const [next] = await tasks();
  await store.call('PATCH', `/v1/tasks/${next.id}`, { done: true });
  t.match((await visit('GET', '/me/deletion-request')).data, { status: 'closed' });
  t.equal((await visit('DELETE', '/me/deletion-request')).statusCode, 204);
  t.equal((await tasks()).length, 1, 'what was seen to stays');
  t.match(
    (await visit('POST', '/me/deletion-request', {})).data,
    { status: 'open' },
    'and it can be asked again',
  );
  const { data } = await store.call('GET', `/v1/customers/${id}/timeline?kind=deletion`);
  t.same(
    data.data.map((event: { kind: string }) => event.kind),
    ['deletion.requested', 'deletion.requested', 'deletion.cancelled', 'deletion.requested'],
  );
});

t.test('an account with a password asks for it before it is to be forgotten', async (t) => {
  const store = await testStore(app, database);
  const { id, visit } = await shopper(store);
  const passwordHash = await hashPassword('a long walk by the sea');
  await transaction(store.ctx().db, (tx) =>
    savePassword(tx, { customerId: id, passwordHash, now: new Date() }),
  );
  const ask = (body: object) => visit('POST', '/me/deletion-request', body);
  t.equal(codeOf(await ask({})), 'PASSWORD_WRONG');
  t.equal(codeOf(await ask({ password: 'a short walk' })), 'PASSWORD_WRONG');
  t.equal((await ask({ password: 'a long walk by the sea' })).statusCode, 202);
});

t.test('where accounts are required only an active one checks out', async (t) => {
  const store = await testStore(app, database);
  const people: Record<string, { id: string; visit: Visit; email: string }> = {};
  for (const state of ['guest', 'invited', 'active', 'disabled']) {
    const email = `${state}@example.com`;
    const accountStatus = state === 'guest' || state === 'invited' ? 'guest' : 'active';
    people[state] = { ...(await shopper(store, { email, accountStatus })), email };
  }
  const headers = { 'idempotency-key': crypto.randomUUID() };
  const invited = await store.call('POST', `/v1/customers/${people.invited?.id}/invitation`, {}, headers);
  t.ok(invited.statusCode < 300, invited.body);
  await store.call('PATCH', `/v1/customers/${people.disabled?.id}`, { accountStatus: 'disabled' });
  const expected: Record<string, Record<string, object>> = {
    required: {
      guest: { eligible: false, reason: 'ACCOUNT_REQUIRED' },
      invited: { eligible: false, reason: 'ACCOUNT_REQUIRED' },
      active: { eligible: true },
      disabled: { eligible: false, reason: 'ACCOUNT_DISABLED' },
      nobody: { eligible: false, reason: 'ACCOUNT_REQUIRED' },
    },
    optional: { guest: {}, invited: {}, active: {}, disabled: {}, nobody: {} },
    none: { guest: {}, invited: {}, active: {}, disabled: {}, nobody: {} },
  };
  for (const [accounts, states] of Object.entries(expected)) {
    await store.call('PATCH', '/v1/store', { accounts });
    for (const [state, wanted] of Object.entries(states)) {
      const answer = { eligible: true, ...wanted };
      const about = `${accounts} ${state}`;
      const byEmail = await store.call(
        'GET',
        `/v1/checkout-eligibility?email=${state.toUpperCase()}@example.com`,
      );
      t.same(byEmail.data, answer, `${about} by address`);
      const person = people[state];
      if (!person) continue;
      const byId = await store.call('GET', `/v1/customers/${person.id}/checkout-eligibility`);
      t.same(byId.data, answer, about);
      t.same((await person.visit('GET', '/me/checkout-eligibility')).data, answer, `${about} by token`);
    }
  }
  t.equal(codeOf(await store.call('GET', '/v1/checkout-eligibility?email=nobody')), 'CUSTOMER_INVALID');
  t.equal(
    (await people.disabled?.visit('GET', '/me'))?.statusCode,
    401,
    'a disabled account sees nothing else',
  );
  const other = await testStore(app, database);
  const foreign = await other.call('GET', `/v1/customers/${people.guest?.id}/checkout-eligibility`);
  t.equal(foreign.statusCode, 404);
});
