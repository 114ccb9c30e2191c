// Addresses over HTTP, on real Postgres (A1–A6), and what checkouts leave behind.
import fc from 'fast-check';
import t from 'tap';
import { saveCheckoutAddresses } from '../../src/actions/addresses.ts';
import { transaction } from '../../src/db/connection.ts';
import { lockCustomers } from '../../src/db/customers.ts';
import type { AddressInput } from '../../src/domain/addresses.ts';
import { factsOf, wrongKeys } from '../support/derived-keys.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);

const BERLIN = { line1: 'Unter den Linden 1', city: 'Berlin', postcode: '10117', countryCode: 'DE' };
const PARIS = { line1: '1 rue de Rivoli', city: 'Paris', postcode: '75001', countryCode: 'FR' };
const LODZ = { line1: 'Piotrkowska 1', city: 'Łódź', postcode: '90-406', countryCode: 'PL' };

async function customerOf({ call }: TestStore) {
  const { data } = await call('POST', '/v1/customers', { lastName: 'Lovelace' });
  const customer = `/v1/customers/${data.id}`;
  return { id: data.id as string, customer, addresses: `${customer}/addresses` };
}

const listOf = async (call: TestStore['call'], addresses: string) =>
  (await call('GET', `${addresses}?limit=100`)).data.data;

async function copiesOf(id: string) {
  const { rows } = await database.owner.query(
    `select default_country as country, default_region as region, default_city as city, default_postcode as postcode
     from customers where id = $1`,
    [id],
  );
  return rows[0];
}

async function checkOut(
  { ctx }: TestStore,
  list: { customerId: string; address: AddressInput; usedAt: Date | null }[],
): Promise<void> {
  const context = ctx();
  await transaction(context.db, async (tx) => {
    await lockCustomers(tx, [...new Set(list.map((item) => item.customerId))]);
    await saveCheckoutAddresses(context, tx, list);
  });
}

t.test(
  'an address is created, read, changed and told on the timeline; the customer gets a new version',
  async (t) => {
    const s = await store();
    const { id, customer, addresses } = await customerOf(s);
    const created = await s.call('POST', addresses, { ...BERLIN, region: 'berlin', phone: '030 901820' });
    t.equal(created.statusCode, 201);
    t.equal(created.headers.location, `${addresses}/${created.data.id}`);
    t.match(created.data, { ...BERLIN, region: 'Berlin', phone: '+4930901820', isDefault: true });
    t.same((await s.call('GET', `${addresses}/${created.data.id}`)).data, created.data);
    const changed = await s.call('PATCH', `${addresses}/${created.data.id}`, {
      city: 'Potsdam',
      postcode: '14467',
      line2: null,
    });
    t.match(changed.data, { city: 'Potsdam', postcode: '14467', line1: BERLIN.line1 });
    const read = await s.call('GET', customer);
    t.equal(read.data.version, 3);
    t.equal(read.data.defaultAddress.city, 'Potsdam');
    const same = await s.call('PATCH', `${addresses}/${created.data.id}`, { city: 'Potsdam' });
    t.same(same.data, changed.data);
    t.equal((await s.call('GET', customer)).data.version, 3);
    const { rows } = await database.owner.query(
      "select kind, data from events where customer_id = $1 and kind ^@ 'address.' order by id",
      [id],
    );
    t.same(rows, [
      { kind: 'address.added', data: {} },
      {
        kind: 'address.changed',
        data: { changes: { city: ['Berlin', 'Potsdam'], postcode: ['10117', '14467'] } },
      },
    ]);
  },
);

t.test('A1 the first address is the default whatever was asked, later ones only when asked', async (t) => {
  const { call, ...s } = await store();
  const { addresses } = await customerOf({ call, ...s });
  t.equal((await call('POST', addresses, { ...BERLIN, isDefault: false })).data.isDefault, true);
  t.equal((await call('POST', addresses, PARIS)).data.isDefault, false);
  t.equal((await call('POST', addresses, { ...LODZ, isDefault: true })).data.isDefault, true);
  t.same(
    (await listOf(call, addresses)).map((address: { isDefault: boolean }) => address.isDefault),
    [false, false, true],
  );
});

t.test('A1 parallel creates on a customer without addresses: all are kept, one is the default', async (t) => {
  const s = await store();
  const { addresses, customer } = await customerOf(s);
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      s.call('POST', addresses, { ...BERLIN, line1: `Street ${n}`, isDefault: n % 3 === 0 }),
    ),
  );
  t.ok(answers.every((answer) => answer.statusCode === 201));
  const list = await listOf(s.call, addresses);
  t.equal(list.length, 12);
  t.equal(list.filter((address: { isDefault: boolean }) => address.isDefault).length, 1);
  t.equal((await s.call('GET', customer)).data.version, 13);
});

t.test('A1 the default mark cannot be taken away, only given to another', async (t) => {
  const { call, ...s } = await store();
  const { addresses } = await customerOf({ call, ...s });
  const first = (await call('POST', addresses, BERLIN)).data;
  const second = (await call('POST', addresses, PARIS)).data;
  const refused = await call('PATCH', `${addresses}/${first.id}`, { isDefault: false });
  t.equal(refused.statusCode, 422);
  t.match(refused.data, { code: 'ADDRESS_INVALID', errors: [{ pointer: '/isDefault' }] });
  t.equal(
    (await call('PATCH', `${addresses}/${second.id}`, { isDefault: false, city: 'Lyon' })).data.isDefault,
    false,
  );
});

t.test('A1 the default billing address is a mark of its own, and optional', async (t) => {
  const { call, ...s } = await store();
  const { addresses } = await customerOf({ call, ...s });
  const first = (await call('POST', addresses, { ...BERLIN, isDefaultBilling: true })).data;
  t.match(first, { isDefault: true, isDefaultBilling: true });
  const second = (await call('POST', addresses, { ...PARIS, isDefaultBilling: true })).data;
  t.match(second, { isDefault: false, isDefaultBilling: true });
  t.equal((await call('GET', `${addresses}/${first.id}`)).data.isDefaultBilling, false);
  const cleared = await call('PATCH', `${addresses}/${second.id}`, { isDefaultBilling: false });
  t.equal(cleared.data.isDefaultBilling, false);
});

t.test('A2 the last address is not deleted', async (t) => {
  const { call, ...s } = await store();
  const { addresses } = await customerOf({ call, ...s });
  const { id } = (await call('POST', addresses, BERLIN)).data;
  const refused = await call('DELETE', `${addresses}/${id}`);
  t.equal(refused.statusCode, 409);
  t.equal(refused.data.code, 'LAST_ADDRESS');
  t.equal((await listOf(call, addresses)).length, 1);
});

t.test('A2 two deletes at once of the last two addresses: one goes, one is refused', async (t) => {
  const { call, ...s } = await store();
  const { addresses } = await customerOf({ call, ...s });
  const ids = [
    (await call('POST', addresses, BERLIN)).data.id,
    (await call('POST', addresses, PARIS)).data.id,
  ];
  const answers = await Promise.all(ids.map((id) => call('DELETE', `${addresses}/${id}`)));
  t.same(answers.map((answer) => answer.statusCode).sort(), [204, 409]);
  const left = await listOf(call, addresses);
  t.equal(left.length, 1);
  t.equal(left[0].isDefault, true);
});

t.test(
  'A3 when the default goes, the named address, else the last used, else the oldest takes its place',
  async (t) => {
    const s = await store();
    const { id, addresses } = await customerOf(s);
    const add = async (address: object) => (await s.call('POST', addresses, address)).data.id as string;
    const [berlin, paris, lodz, bonn] = [
      await add(BERLIN),
      await add(PARIS),
      await add(LODZ),
      await add({ ...BERLIN, city: 'Bonn' }),
    ];
    const defaultId = async () =>
      (await listOf(s.call, addresses)).find((address: { isDefault: boolean }) => address.isDefault)?.id;
    t.equal((await s.call('DELETE', `${addresses}/${berlin}?newDefaultId=${bonn}`)).statusCode, 204);
    t.equal(await defaultId(), bonn);
    t.equal((await copiesOf(id)).city, 'bonn');
    await checkOut(s, [{ customerId: id, address: LODZ, usedAt: new Date() }]);
    await s.call('DELETE', `${addresses}/${bonn}`);
    t.equal(await defaultId(), lodz);
    await add(BERLIN);
    await s.call('DELETE', `${addresses}/${lodz}`);
    t.equal(await defaultId(), paris);
    const foreign = await s.call('DELETE', `${addresses}/${paris}?newDefaultId=${berlin}`);
    t.equal(foreign.statusCode, 422);
    t.equal(foreign.data.code, 'ADDRESS_NOT_FOUND');
  },
);

t.test('A4 many customers of the API give the mark to different addresses at once: one has it', async (t) => {
  const { call, ...s } = await store();
  const { addresses } = await customerOf({ call, ...s });
  const ids: string[] = [];
  for (let n = 0; n < 6; n++)
    ids.push((await call('POST', addresses, { ...BERLIN, line1: `Street ${n}` })).data.id);
  const answers = await Promise.all(
    [...ids, ...ids].map((id) =>
      call('PATCH', `${addresses}/${id}`, { isDefault: true, isDefaultBilling: true }),
    ),
  );
  t.ok(answers.every((answer) => answer.statusCode === 200));
  const list = await listOf(call, addresses);
  t.equal(list.filter((address: { isDefault: boolean }) => address.isDefault).length, 1);
  t.equal(list.filter((address: { isDefaultBilling: boolean }) => address.isDefaultBilling).length, 1);
});

t.test(
  'A1, A4 after any run of changes a customer with addresses has one default, copied to the customer',
  async (t) => {
    const s = await store();
    const command = fc.oneof(
      fc.record({ do: fc.constant('add' as const), isDefault: fc.boolean(), n: fc.nat(9) }),
      fc.record({ do: fc.constant('mark' as const), n: fc.nat(9) }),
      fc.record({ do: fc.constant('remove' as const), n: fc.nat(9) }),
      fc.record({ do: fc.constant('checkout' as const), n: fc.nat(9) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 12 }), async (commands) => {
        const { id, addresses } = await customerOf(s);
        for (const step of commands) {
          const list = await listOf(s.call, addresses);
          const one = list[step.n % (list.length || 1)]?.id;
          const address = { ...BERLIN, city: `City ${step.n}` };
          if (step.do === 'add') await s.call('POST', addresses, { ...address, isDefault: step.isDefault });
          if (step.do === 'checkout') await checkOut(s, [{ customerId: id, address, usedAt: new Date() }]);
          if (step.do === 'mark' && one) await s.call('PATCH', `${addresses}/${one}`, { isDefault: true });
          if (step.do === 'remove' && one) await s.call('DELETE', `${addresses}/${one}`);
        }
        const list = await listOf(s.call, addresses);
        const defaults = list.filter((address: { isDefault: boolean }) => address.isDefault);
        const { city } = await copiesOf(id);
        return list.length === 0
          ? city === null
          : defaults.length === 1 && city === defaults[0].city.toLowerCase();
      }),
      { numRuns: 15 },
    );
    t.pass();
  },
);

t.test(
  'A5 a checkout address is added once, found again in any spelling and never written over',
  async (t) => {
    const s = await store();
    const { id, addresses } = await customerOf(s);
    const day = (n: number) => new Date(Date.UTC(2026, 0, n));
    await checkOut(s, [
      { customerId: id, address: { ...BERLIN, firstName: 'Ada' }, usedAt: day(3) },
      { customerId: id, address: { ...BERLIN, line1: 'UNTER DEN LINDEN, 1' }, usedAt: day(5) },
      { customerId: id, address: PARIS, usedAt: day(4) },
    ]);
    t.match(await listOf(s.call, addresses), [
      { ...BERLIN, firstName: 'Ada', isDefault: true, lastUsedAt: day(5).toISOString() },
      { ...PARIS, isDefault: false, lastUsedAt: day(4).toISOString() },
    ]);
    await checkOut(s, [
      {
        customerId: id,
        address: { ...BERLIN, line1: 'unter den linden 1', firstName: 'Bob' },
        usedAt: day(9),
      },
    ]);
    await checkOut(s, [{ customerId: id, address: BERLIN, usedAt: day(1) }]);
    const list = await listOf(s.call, addresses);
    t.equal(list.length, 2);
    t.match(list[0], { ...BERLIN, firstName: 'Ada', lastUsedAt: day(9).toISOString() });
  },
);

t.test('A5 checkouts of many customers are kept together, each with a default and its copies', async (t) => {
  const s = await store();
  const people = await Promise.all(Array.from({ length: 5 }, () => customerOf(s)));
  await s.call('POST', people[0]?.addresses ?? '', PARIS);
  await checkOut(
    s,
    people.flatMap(({ id }) => [
      { customerId: id, address: LODZ, usedAt: new Date() },
      { customerId: id, address: { ...BERLIN, phone: 'no number' }, usedAt: null },
    ]),
  );
  for (const [index, { id, addresses }] of people.entries()) {
    const list = await listOf(s.call, addresses);
    t.equal(list.length, index === 0 ? 3 : 2);
    t.equal(list.at(-1).phone, null);
    t.same(
      await copiesOf(id),
      index === 0
        ? { country: 'FR', region: null, city: 'paris', postcode: '75001' }
        : { country: 'PL', region: null, city: 'lodz', postcode: '90-406' },
    );
  }
});

t.test('A6 what no post office could read is refused field by field', async (t) => {
  const { call, ...s } = await store();
  const { addresses } = await customerOf({ call, ...s });
  const refused = await call('POST', addresses, {
    countryCode: 'XX',
    phone: '12',
    city: 'Ber\u0007lin',
    line1: 'x',
  });
  t.equal(refused.statusCode, 422);
  t.equal(refused.data.code, 'ADDRESS_INVALID');
  t.same(refused.data.errors.map((error: { pointer: string }) => error.pointer).sort(), [
    '/city',
    '/countryCode',
    '/phone',
  ]);
  t.match(await call('POST', addresses, { firstName: 'Ada' }), {
    statusCode: 422,
    data: { code: 'ADDRESS_INVALID' },
  });
  t.equal((await call('POST', addresses, { ...BERLIN, city: 'x'.repeat(256) })).statusCode, 400);
  t.equal((await call('POST', addresses, { ...BERLIN, street: 'x' })).statusCode, 400);
  t.same(await listOf(call, addresses), []);
});

t.test('addresses come in pages that neither repeat nor lose one', async (t) => {
  const { call, ...s } = await store();
  const { addresses } = await customerOf({ call, ...s });
  for (let n = 0; n < 5; n++) await call('POST', addresses, { ...BERLIN, line1: `Street ${n}` });
  const seen: string[] = [];
  for (let url = `${addresses}?limit=2`; url; ) {
    const { data } = await call('GET', url);
    seen.push(...data.data.map((address: { line1: string }) => address.line1));
    url = data.page.hasMore ? `${addresses}?limit=2&cursor=${encodeURIComponent(data.page.nextCursor)}` : '';
  }
  t.same(
    seen,
    [0, 1, 2, 3, 4].map((n) => `Street ${n}`),
  );
});

t.test('addresses of another store or another customer are not found', async (t) => {
  const [one, other] = [await store(), await store()];
  const mine = await customerOf(one);
  const second = await customerOf(one);
  const { id } = (await one.call('POST', mine.addresses, BERLIN)).data;
  const urls = [`${mine.addresses}/${id}`, `${second.addresses}/${id}`];
  for (const [s, url] of [
    [other, urls[0]],
    [one, urls[1]],
  ] as const) {
    t.equal((await s.call('GET', url ?? '')).statusCode, 404);
    t.equal((await s.call('PATCH', url ?? '', { city: 'Bonn' })).statusCode, 404);
    t.equal((await s.call('DELETE', url ?? '')).statusCode, 404);
  }
  t.equal((await other.call('GET', mine.addresses)).statusCode, 404);
  t.equal((await other.call('POST', mine.addresses, BERLIN)).statusCode, 404);
  t.equal((await listOf(one.call, mine.addresses))[0].city, 'Berlin');
});

t.test('an erased customer gets no address and shows none', async (t) => {
  const s = await store();
  const { id, addresses } = await customerOf(s);
  await database.owner.query("update customers set account_status = 'erased' where id = $1", [id]);
  for (const answer of [await s.call('POST', addresses, BERLIN), await s.call('GET', addresses)]) {
    t.equal(answer.statusCode, 409);
    t.equal(answer.data.code, 'CUSTOMER_GONE');
  }
});

t.test('what segments compare of an address follows every create, change and checkout', async (t) => {
  const s = await store();
  const { id, addresses } = await customerOf(s);
  const keysNow = async () => (await factsOf(database.owner, s.storeId)).places.map(({ keys }) => keys);
  const { data } = await s.call('POST', addresses, { ...LODZ, region: 'Łódzkie' });
  t.same(await keysNow(), [{ cityKey: 'lodz', regionKey: 'lodzkie', postcodeKey: '90-406' }]);
  await s.call('PATCH', `${addresses}/${data.id}`, { postcode: 'sw1a 1aa' });
  t.same(await keysNow(), [{ cityKey: 'lodz', regionKey: 'lodzkie', postcodeKey: 'SW1A1AA' }]);
  await s.call('PATCH', `${addresses}/${data.id}`, { region: null, city: null });
  t.same(await keysNow(), [{ cityKey: null, regionKey: null, postcodeKey: 'SW1A1AA' }]);
  await checkOut(s, [{ customerId: id, address: PARIS, usedAt: new Date() }]);
  await checkOut(s, [{ customerId: id, address: { ...PARIS, city: 'PARIS' }, usedAt: new Date() }]);
  t.same(
    (await keysNow()).map(({ cityKey, postcodeKey }) => [cityKey, postcodeKey]),
    [
      [null, 'SW1A1AA'],
      ['paris', '75001'],
    ],
  );
});

t.test('what segments compare is what the domain says, whatever the text', async (t) => {
  const s = await store();
  const { addresses } = await customerOf(s);
  const line = fc.string({ unit: 'grapheme', maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(line, line, line, async (city, region, postcode) => {
      const { statusCode } = await s.call('POST', addresses, { line1: 'x', city, region, postcode });
      return [201, 400, 422].includes(statusCode);
    }),
    { numRuns: 60 },
  );
  const { places } = await factsOf(database.owner, s.storeId);
  t.ok(places.length > 30, `${places.length} were kept`);
  t.same(await wrongKeys(database.owner, s.storeId), []);
});
