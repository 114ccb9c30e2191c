// GET /errors/{code}: what the `type` of every problem document points to.
import t from 'tap';
import { ERRORS } from '../../src/errors.ts';
import { testApp, testDatabase } from '../support/harness.ts';

const app = await testApp(t, await testDatabase(t));

t.test('the type of a problem leads to its entry, without a credential', async (t) => {
  const refused = (await app.inject({ method: 'GET', url: '/v1/store' })).json();
  t.equal(refused.code, 'UNAUTHENTICATED');
  const answer = await app.inject({ method: 'GET', url: refused.type });
  t.equal(answer.statusCode, 200);
  t.strictSame(answer.json(), { code: 'UNAUTHENTICATED', ...ERRORS.UNAUTHENTICATED });
});

t.test('an unknown code is a 404, and so is a name that every object has', async (t) => {
  for (const code of ['NOPE', 'constructor', '__proto__', 'toString']) {
    const answer = await app.inject({ method: 'GET', url: `/errors/${code}` });
    t.equal(answer.statusCode, 404, code);
    t.equal(answer.json().code, 'NOT_FOUND');
  }
});

t.test('both documents are served', async (t) => {
  t.equal((await app.inject('/openapi.json')).json().openapi, '3.1.0');
  t.equal((await app.inject('/openapi-3.0.json')).json().openapi, '3.0.3');
});
