// What every answer says to browsers, whatever it is.
import t from 'tap';
import { testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = await testStore(app, database);

t.test('security headers are on answers, refusals and pages of nobody', async (t) => {
  const answers = [
    await store.call('GET', '/v1/customers'),
    await store.call('GET', '/v1/customers/none'),
    await app.inject('/nowhere'),
    await app.inject('/livez'),
  ];
  for (const { headers } of answers) {
    t.match(headers, {
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
      'referrer-policy': 'no-referrer',
    });
    t.notOk('x-powered-by' in headers);
  }
});
