// Every operation by the examples of the document, as Swagger UI sends them when "Execute" is pressed, on the demo store.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { SHOWCASE_IDS } from '../../src/domain/showcase.ts';
import { signOpsToken } from '../../src/tokens.ts';
import { type Answer, call, TEST_CONFIG, type TestStore, testApp, testDatabase } from '../support/harness.ts';
import {
  type CallerZone,
  documentOf,
  exampleBody,
  type Operation,
  operationsOf,
  pathWith,
  prefilledQuery,
} from '../support/openapi-operations.ts';
import { showcaseStores } from '../support/showcase.ts';

const all = (names: readonly string[], status: number, why: string) =>
  Object.fromEntries(names.map((name) => [name, { status, why }]));

/** What cannot work as it stands, and why; the answer is one that the document tells. */
const EXCEPTIONS: Readonly<Record<string, { status: number; why: string }>> = {
  ...all(
    [
      'getEmailVerification',
      'confirmRegistration',
      'getPasswordReset',
      'resetPassword',
      'getEmailChange',
      'confirmEmailChange',
      'getOpenInvitation',
      'acceptInvitation',
      'confirmConsent',
      'getPreferences',
      'savePreferences',
      'followLink',
    ],
    404,
    'needs the secret of a mail',
  ),
  ...all(['getCalendarFeed'], 404, 'needs the secret that making the feed answers'),
  ...all(['logIn', 'refreshLogin'], 401, 'a demo customer has no password that everybody knows'),
  ...all(['changeMyPassword', 'changeMyEmail'], 409, 'a demo customer has no password'),
  ...all(['revokeCustomerSession', 'revokeMySession'], 404, 'nobody is logged in'),
  ...all(
    [
      'getIdentityProvider',
      'updateIdentityProvider',
      'deleteIdentityProvider',
      'beginIdentityLogin',
      'finishIdentityLogin',
      'beginIdentityLink',
      'linkMyIdentity',
      'unlinkMyIdentity',
    ],
    404,
    'needs a provider that the shop has a contract with',
  ),
  ...all(['createReferral', 'noteMyReferral'], 422, 'codes are drawn by chance'),
  ...all(['cancelJob', 'retryJob'], 409, 'the job of the demo store is done'),
  ...all(['retryMessage', 'markMessageSent', 'markMessageFailed'], 409, 'no mail of the demo store failed'),
  ...all(
    ['pauseCampaign', 'resumeCampaign', 'cancelCampaign'],
    409,
    'the campaign is a draft: send it first',
  ),
  ...all(['createImport', 'recordReturnedMail'], 415, 'a file has to be chosen'),
};

t.setTimeout(120_000);

const database = await testDatabase(t);
const app = await testApp(t, database);
const document = documentOf(app);
const operations = operationsOf(document).filter((operation) => !operation.isStream);
const openStore = showcaseStores(t, app, database);

type Credentials = Record<CallerZone, string>;

async function credentialsOf(store: TestStore): Promise<Credentials> {
  const url = `/v1/customers/${SHOWCASE_IDS.customerId}/storefront-tokens`;
  const { data } = await store.call('POST', url, {});
  return {
    staff: store.token,
    storefront: store.publishableKey,
    customer: data.token,
    ops: signOpsToken(TEST_CONFIG, 600),
    public: '',
  };
}

/** What "Execute" sends. */
function press(operation: Operation, credentials: Credentials): Promise<Answer> {
  const { method, path, parameters, zone, body, bodyExample } = operation;
  const examples = parameters.filter(
    (parameter) => parameter.in === 'path' && parameter.example !== undefined,
  );
  const ids = Object.fromEntries(
    examples.map(({ name, example }) => [name, encodeURIComponent(String(example))]),
  );
  const payload = body && (bodyExample ?? exampleBody(document, body));
  const needsKey = parameters.some(({ name, required }) => name === 'Idempotency-Key' && required);
  const headers = needsKey ? { 'idempotency-key': randomUUID() } : {};
  return call(
    app,
    credentials[zone],
    method,
    `${pathWith(path, ids)}${prefilledQuery(parameters)}`,
    payload,
    headers,
  );
}

const isRead = ({ method }: Operation): boolean => method === 'GET';
const isException = ({ name }: Operation): boolean => name in EXCEPTIONS;

/** What leaves the store as it was seeded comes first: what only reads, and what is refused. */
const inOrder = (): Operation[] => [
  ...operations.filter(isRead),
  ...operations.filter((one) => !isRead(one) && isException(one)),
  ...operations.filter((one) => !isRead(one) && !isException(one)),
];

t.test('every operation works on the demo store by its example', async (t) => {
  let store = await openStore();
  let credentials = await credentialsOf(store);
  let opened = 1;

  const pressAfresh = async (operation: Operation): Promise<Answer> => {
    store = await openStore();
    credentials = await credentialsOf(store);
    opened++;
    return press(operation, credentials);
  };

  for (const operation of inOrder()) {
    const exception = EXCEPTIONS[operation.name];
    let answer = await press(operation, credentials);
    // What came before may have used up what the example is about.
    if (answer.statusCode >= 300 && !exception && !isRead(operation)) answer = await pressAfresh(operation);
    const { statusCode, body } = answer;
    if (exception) t.equal(statusCode, exception.status, `${operation.name}: ${exception.why}`);
    else t.ok(statusCode < 300, `${operation.name}: ${statusCode}`, { answer: body.slice(0, 500) });
  }
  t.comment(
    `${operations.length} operations, ${opened} stores, ${Object.keys(EXCEPTIONS).length} exceptions`,
  );
});

t.test('what is listed as an exception is an operation', async (t) => {
  const names = new Set(operations.map(({ name }) => name));
  t.same(
    Object.keys(EXCEPTIONS).filter((name) => !names.has(name)),
    [],
  );
});
