// Every property of every body and every parameter × what its schema forbids: refused, and the answer points at the
// place. Never a failure on our side.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { signedInCustomer } from '../support/callers.ts';
import { type Answer, call, testApp, testDatabase, testStore } from '../support/harness.ts';
import { HOSTILE_STRINGS } from '../support/hostile-strings.ts';
import {
  ANY_ID,
  type CallerZone,
  documentOf,
  type Operation,
  operationsOf,
  type Parameter,
  pathWith,
  requiredQuery,
} from '../support/openapi-operations.ts';
import { propertyAttacks, textPlaces, unusableBodies, wrongValues } from '../support/property-attacks.ts';

t.setTimeout(240_000);

const database = await testDatabase(t);
const app = await testApp(t, database);
const document = documentOf(app);
const operations = operationsOf(document).filter(({ isStream }) => !isStream);
const withBody = operations.flatMap((operation) =>
  operation.body === undefined ? [] : [{ operation, body: operation.body }],
);
const store = await testStore(app, database);
const customer = await signedInCustomer(store);

const CREDENTIALS: Record<CallerZone, string> = {
  staff: store.token,
  storefront: store.publishableKey,
  customer: customer.token,
  ops: '',
  public: '',
};

function send(operation: Operation, payload: unknown, query?: string): Promise<Answer> {
  const { method, path, parameters, zone } = operation;
  const url = `${pathWith(path)}${query ?? requiredQuery(parameters)}`;
  const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
  return call(app, CREDENTIALS[zone], method, url, payload, headers);
}

/** Batches answer mistakes of an item in its result, from the item on. */
interface Mistake {
  pointer: string;
}
const mistakesOf = ({ data = {} }: Answer): Mistake[] => [
  ...(data.errors ?? []),
  ...(data.results ?? []).flatMap(
    (result: { errors?: Mistake[]; problem?: { errors?: Mistake[] } }, index: number) =>
      (result.errors ?? result.problem?.errors ?? []).map(({ pointer }) => ({
        pointer: `${index}${pointer}`,
      })),
  ),
];
const pointsAt = (answer: Answer, pointer: string): boolean =>
  mistakesOf(answer).some(
    (mistake) => mistake.pointer === pointer || pointer.endsWith(`/${mistake.pointer}`),
  );

t.test('every property × what its schema forbids is 400 and pointed at', async (t) => {
  let count = 0;
  for (const { operation, body } of withBody) {
    const wrong: string[] = [];
    for (const attack of propertyAttacks(document, body)) {
      count++;
      const answer = await send(operation, JSON.stringify(attack.body));
      if ((answer.statusCode !== 400 && !('results' in answer.data)) || !pointsAt(answer, attack.pointer))
        wrong.push(`${attack.pointer} ${attack.what}: ${answer.statusCode} ${answer.body.slice(0, 300)}`);
    }
    t.same(wrong, [], operation.name);
  }
  t.comment(`${count} bodies with one mistake`);
});

t.test('every property × what no JSON of ours may hold is 400 and pointed at', async (t) => {
  let count = 0;
  for (const { operation, body } of withBody) {
    const wrong: string[] = [];
    for (const attack of unusableBodies(document, body)) {
      count++;
      const answer = await send(operation, attack.body);
      const [mistake] = mistakesOf(answer);
      if (answer.statusCode !== 400 || !mistake?.pointer.startsWith(attack.pointer))
        wrong.push(`${attack.pointer} ${attack.what}: ${answer.statusCode} ${answer.body.slice(0, 300)}`);
    }
    t.same(wrong, [], operation.name);
  }
  t.comment(`${count} bodies`);
});

/** One after the other in each, for texts that are allowed do what they say. */
const SOME_STRINGS = HOSTILE_STRINGS.filter(({ text }) => text.length < 1_000).filter(
  (_, index) => index % 8 === 0,
);

t.test('hostile texts in every property that takes any text are never a 5xx', async (t) => {
  let count = 0;
  for (const { operation, body } of withBody) {
    const failures: string[] = [];
    for (const { path, put } of textPlaces(document, body)) {
      for (const { what, text } of SOME_STRINGS) {
        count++;
        const answer = await send(operation, JSON.stringify(put(text)));
        if (answer.statusCode >= 500) failures.push(`${path.join('.')} ${what}: ${answer.body}`);
      }
    }
    t.same(failures, [], operation.name);
  }
  t.comment(`${count} bodies`);
});

const withParameters = (place: Parameter['in']) =>
  operations
    .filter(({ zone }) => zone !== 'ops')
    .flatMap((operation) =>
      operation.parameters
        .filter((parameter) => parameter.in === place)
        .map((parameter) => ({ operation, parameter })),
    );

/** What arrives as text is wrong only where no text could be meant. */
const wrongParameters = ({ schema }: Parameter): string[] => {
  // A list arrives as one or more of its items.
  const { items: one = schema } = schema;
  const isText = [one.type].flat().includes('string');
  return wrongValues(document, one)
    .filter(({ value }) => (isText ? typeof value === 'string' : typeof value === 'number' || value === 'x'))
    .map(({ value }) => String(value));
};

/** With one parameter as told and the other ones as they have to be. */
function queryWith(operation: Operation, name: string, value: string | undefined): string {
  const query = new URLSearchParams(requiredQuery(operation.parameters));
  query.delete(name);
  if (value !== undefined) query.set(name, value);
  return `?${query}`;
}

t.test('every query parameter × what its schema forbids is 400 and pointed at', async (t) => {
  let count = 0;
  const wrong: string[] = [];
  for (const { operation, parameter } of withParameters('query')) {
    const values = [...wrongParameters(parameter), 'a\0b', ...(parameter.required ? [undefined] : [])];
    for (const value of values) {
      count++;
      const answer = await send(operation, undefined, queryWith(operation, parameter.name, value));
      const isPointed = mistakesOf(answer).some(({ pointer }) => pointer.startsWith(`/${parameter.name}`));
      if (answer.statusCode !== 400 || !isPointed)
        wrong.push(
          `${operation.name} ${parameter.name}=${value}: ${answer.statusCode} ${answer.body.slice(0, 200)}`,
        );
    }
  }
  t.same(wrong, []);
  t.comment(`${count} queries`);
});

const GARBAGE = [
  '',
  'x',
  '-1',
  '0',
  '1e400',
  '9007199254740993',
  '😀',
  "'",
  '%',
  '2026-02-30',
  '\\',
  '\u202e',
  '=1',
];

t.test('garbage in every query parameter is never a 5xx, twice neither', async (t) => {
  let count = 0;
  for (const { operation, parameter } of withParameters('query')) {
    for (const value of GARBAGE) {
      const query = queryWith(operation, parameter.name, value);
      const twice = `${query}&${new URLSearchParams([[parameter.name, value]])}`;
      for (const sent of [query, twice]) {
        count++;
        const answer = await send(operation, undefined, sent);
        if (answer.statusCode >= 500) t.fail(`${operation.name} ${sent}: ${answer.body}`);
      }
    }
  }
  t.comment(`${count} queries`);
});

t.test('every path parameter × garbage: 400 where a UUID belongs, and never a 5xx', async (t) => {
  let count = 0;
  for (const { operation, parameter } of withParameters('path')) {
    for (const value of [...wrongParameters(parameter), ...GARBAGE, 'a\0b', '../..', 'x'.repeat(3_000)]) {
      if (value === '') continue;
      count++;
      const path = operation.path.replace(`{${parameter.name}}`, encodeURIComponent(value));
      const answer = await send({ ...operation, path }, undefined);
      if (answer.statusCode >= 500) t.fail(`${operation.name} ${parameter.name}=${value}: ${answer.body}`);
      if (parameter.schema.format === 'uuid' && answer.statusCode !== 400)
        t.fail(`${operation.name} ${parameter.name}=${value}: ${answer.statusCode}`);
    }
  }
  t.comment(`${count} paths`);
});

t.test('garbage in every request header is never a 5xx', async (t) => {
  let count = 0;
  for (const { operation, parameter } of withParameters('header')) {
    for (const value of [
      '',
      '"',
      '"x"',
      'W/"1"',
      '*',
      '1',
      '"99999999999999"',
      'x'.repeat(300),
      'ä',
      ANY_ID,
    ]) {
      count++;
      const { method, path, zone, parameters } = operation;
      const url = `${pathWith(path)}${requiredQuery(parameters)}`;
      const answer = await call(app, CREDENTIALS[zone], method, url, undefined, { [parameter.name]: value });
      if (answer.statusCode >= 500) t.fail(`${operation.name} ${parameter.name}: ${value}: ${answer.body}`);
    }
  }
  t.comment(`${count} requests`);
});
