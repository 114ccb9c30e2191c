// Files and bodies that are made to hurt: each is refused with a clear problem or taken in bounded memory, and the next
// request is answered.
import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGzip, gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { importWork } from '../../src/actions/imports.ts';
import { runJob } from '../../src/actions/jobs.ts';
import { orderReader } from '../../src/deliveries.ts';
import { type Answer, testApp, testDatabase, testStore } from '../support/harness.ts';

const MIB = 1024 ** 2;
t.setTimeout(200_000);

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = await testStore(app, database);
const work = importWork(orderReader());

/** How much memory there is more at the worst moment than at the beginning, in MiB. */
async function growthDuring(run: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().rss;
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 10);
  try {
    await run();
  } finally {
    clearInterval(timer);
  }
  return Math.round((most - before) / MIB);
}

const BOUNDARY = 'test-boundary';
const FORM = `multipart/form-data; boundary=${BOUNDARY}`;
const part = (disposition: string, content: string): string =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${content}\r\n`;
const field = (name: string, value: string): string => part(`name="${name}"`, value);
const FILE_HEAD = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="data.csv"\r\nContent-Type: text/csv\r\n\r\n`;
const END = `\r\n--${BOUNDARY}--\r\n`;

type Payload = string | Buffer | Readable;

const post = (payload: Payload, type = FORM, query = 'kind=customers'): Promise<Answer> =>
  store.call('POST', `/v1/imports?${query}`, payload, {
    'content-type': type,
    'idempotency-key': randomUUID(),
  });

/** The bytes of a form around a file, made while they are read. */
function formOf(file: AsyncIterable<Buffer> | Iterable<Buffer>, fields = ''): Readable {
  async function* bytes() {
    yield Buffer.from(fields + FILE_HEAD);
    yield* file;
    yield Buffer.from(END);
  }
  return Readable.from(bytes(), { objectMode: false });
}
const fileOf = (content: string | Buffer, fields = ''): Readable => formOf([Buffer.from(content)], fields);

function* repeated(text: string, times: number): Generator<Buffer> {
  const bytes = Buffer.from(text);
  for (let time = 0; time < times; time++) yield bytes;
}

/** Uploads a file and, when it is taken, works on it to the end; what became of it. */
async function importFile(file: Readable, query?: string): Promise<{ answer: Answer; job?: Answer['data'] }> {
  const answer = await post(file, FORM, query);
  if (answer.statusCode !== 202) return { answer };
  const { id } = answer.data;
  await runJob({ ...store.ctx(), actor: `job:${id}` }, id, work, new AbortController().signal);
  const { data } = await store.call('GET', `/v1/imports/${id}`);
  await store.call('GET', `/v1/imports/${id}/problems?limit=100`);
  await store.call('GET', `/v1/imports/${id}/error-rows.csv`);
  return { answer, job: data };
}

const isAlive = async (t: Test) =>
  t.equal((await store.call('GET', '/v1/store')).statusCode, 200, 'still there');

const HEADER = 'email,last_name\n';
const ROW = 'good@example.com,Good\n';
const zeros = (length: number) => Buffer.alloc(length);

/** Files that no import can be made of. */
const REFUSED: Record<string, () => Readable> = {
  'no bytes': () => fileOf(''),
  'nothing but lines': () => fileOf('\n'.repeat(10_000)),
  'nothing but spaces': () => fileOf(' '.repeat(MIB)),
  'a million columns': () => fileOf(Array.from({ length: 1_000_000 }, (_, index) => `c${index}`).join(',')),
  'a million columns without names': () => fileOf(','.repeat(1_000_000)),
  'a hundred megabytes without a line end': () => formOf(repeated('x'.repeat(MIB), 100)),
  'a header that is one open quote': () => fileOf(`"email,last_name\n${ROW.repeat(10_000)}`),
  zeros: () => fileOf(zeros(MIB)),
  noise: () => fileOf(randomBytes(MIB)),
  'a program': () => fileOf(Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), zeros(1_000)])),
  'a ZIP': () => fileOf(Buffer.concat([Buffer.from('PK\x03\x04'), randomBytes(1_000)])),
  'gzip in gzip': () => fileOf(gzipSync(gzipSync(HEADER + ROW))),
  'the head of a gzip': () => fileOf(gzipSync(HEADER + ROW).subarray(0, 12)),
  'a gzip of zeros, a gigabyte': () =>
    formOf(Readable.from(repeated('\0'.repeat(MIB), 1_024)).pipe(createGzip())),
  'UTF-32': () => fileOf(Buffer.from([0xff, 0xfe, 0, 0, 0x65, 0, 0, 0])),
  'NUL characters in rows': () => fileOf(`${HEADER}${ROW}a\0@example.com,\0\n`),
  'a NUL character in a header': () => fileOf(`ema\0il,last\0_name\n${ROW}`),
};

for (const [name, file] of Object.entries(REFUSED)) {
  t.test(`a file of ${name} is refused, in bounded memory`, async (t) => {
    const growth = await growthDuring(async () => {
      const { answer, job } = await importFile(file());
      t.ok(
        answer.statusCode === 422 || job?.status === 'failed',
        `${answer.statusCode} ${answer.body.slice(0, 300)}`,
      );
      t.match(answer.data.code ?? job?.error?.code, 'IMPORT_REFUSED');
    });
    t.ok(growth < 400, `${growth} MiB`);
    t.comment(`${growth} MiB more`);
    await isAlive(t);
  });
}

/** Files with good rows among the bad ones: those go in. */
const TAKEN: Record<string, { file: () => Readable; created?: number; status?: string }> = {
  'a line of a hundred megabytes': {
    file: () =>
      formOf(chain(HEADER, ROW, 'a@example.com,', repeated('x'.repeat(MIB), 100), '\nb@example.com,B\n')),
    created: 2,
  },
  'a row of a million cells': { file: () => fileOf(`${HEADER}${ROW}${','.repeat(500_000)}\n`), created: 1 },
  'an open quote and a megabyte behind it': {
    file: () => fileOf(`${HEADER}${ROW}"b@example.com,${`${'x'.repeat(1_000)}\n`.repeat(1_000)}`),
    created: 1,
  },
  'quotes alone': { file: () => fileOf(`${HEADER}${ROW}${'"'.repeat(200_001)}\n`), created: 1 },
  'a gzip bomb behind good rows': {
    file: () => formOf(Readable.from(chain(HEADER, ROW, repeated('x'.repeat(MIB), 300))).pipe(createGzip())),
    created: 1,
  },
  'a gzip that breaks off': {
    file: () => fileOf(gzipSync(HEADER + ROW + 'noise,'.repeat(100_000), { level: 0 }).subarray(0, 100_000)),
    status: 'failed',
  },
  'halves of surrogate pairs': {
    file: () =>
      fileOf(Buffer.concat([Buffer.from(HEADER + ROW), Buffer.from([0x61, 0xed, 0xa0, 0x80, 0x2c, 0x0a])])),
    created: 1,
  },
};

function* chain(...parts: (string | Iterable<Buffer>)[]): Generator<Buffer> {
  for (const one of parts) {
    if (typeof one === 'string') yield Buffer.from(one);
    else yield* one;
  }
}

for (const [name, { file, created, status = 'completed' }] of Object.entries(TAKEN)) {
  t.test(`a file with ${name}: the good rows go in, in bounded memory`, async (t) => {
    const fresh = await testStore(app, database);
    const growth = await growthDuring(async () => {
      const headers = { 'content-type': FORM, 'idempotency-key': randomUUID() };
      const answer = await fresh.call('POST', '/v1/imports?kind=customers', file(), headers);
      t.equal(answer.statusCode, 202, answer.body.slice(0, 300));
      const { id } = answer.data;
      await runJob({ ...fresh.ctx(), actor: `job:${id}` }, id, work, new AbortController().signal);
      const { data } = await fresh.call('GET', `/v1/imports/${id}`);
      t.equal(data.status, status);
      if (created !== undefined) t.equal(data.outcomes.created, created);
      t.equal((await fresh.call('GET', `/v1/imports/${id}/problems?limit=100`)).statusCode, 200);
      t.equal((await fresh.call('GET', `/v1/imports/${id}/error-rows.csv`)).statusCode, 200);
    });
    t.ok(growth < 400, `${growth} MiB`);
    t.comment(`${growth} MiB more`);
  });
}

/** Forms that are none, or are not this one. */
const FORMS: Record<string, { payload: Payload; type?: string }> = {
  'no bytes': { payload: '' },
  'no part': { payload: `--${BOUNDARY}--\r\n` },
  'no boundary in the header': { payload: FILE_HEAD + ROW + END, type: 'multipart/form-data' },
  'an empty boundary': { payload: FILE_HEAD + ROW + END, type: 'multipart/form-data; boundary=' },
  'a boundary of 4 kB': {
    payload: FILE_HEAD + ROW + END,
    type: `multipart/form-data; boundary=${'x'.repeat(4_000)}`,
  },
  'another boundary': { payload: FILE_HEAD + ROW + END, type: 'multipart/form-data; boundary=other' },
  'no end': { payload: FILE_HEAD + HEADER + ROW },
  'an end in the middle of a header': { payload: FILE_HEAD.slice(0, 60) },
  'headers without end': { payload: `--${BOUNDARY}\r\nX: ${'x'.repeat(MIB)}\r\n\r\n${END}` },
  'a thousand headers': { payload: `--${BOUNDARY}\r\n${'X: x\r\n'.repeat(10_000)}\r\nx${END}` },
  'a part without a name': { payload: `${part('x="y"', 'x')}--${BOUNDARY}--\r\n` },
  'a part without headers': { payload: `--${BOUNDARY}\r\n\r\nx${END}` },
  'a hundred thousand parts': { payload: `${field('mapping', '{}').repeat(100_000)}--${BOUNDARY}--\r\n` },
  'a field of ten megabytes': {
    payload: `${field('mapping', 'x'.repeat(10 * MIB))}${FILE_HEAD}${ROW}${END}`,
  },
  'a field with a name of a megabyte': { payload: `${field('x'.repeat(MIB), 'x')}${FILE_HEAD}${ROW}${END}` },
  'an unknown field': { payload: `${field('surprise', 'x')}${FILE_HEAD}${ROW}${END}` },
  'a field called __proto__': { payload: `${field('__proto__', 'x')}${FILE_HEAD}${ROW}${END}` },
  'a field called constructor': { payload: `${field('constructor', 'x')}${FILE_HEAD}${ROW}${END}` },
  'no file': { payload: `${field('mapping', '{"columns":{}}')}--${BOUNDARY}--\r\n` },
  'the file as a field': { payload: `${field('file', HEADER + ROW)}--${BOUNDARY}--\r\n` },
  JSON: { payload: '{"file":"x"}', type: 'application/json' },
  'half of JSON': { payload: '{"file":', type: 'application/json' },
  text: { payload: HEADER + ROW, type: 'text/csv' },
  'an odd type': { payload: 'x', type: 'multipart/x; boundary=x' },
};

for (const [name, { payload, type }] of Object.entries(FORMS)) {
  t.test(`a form with ${name} is refused`, async (t) => {
    const answer = await post(payload, type);
    t.ok(
      answer.statusCode >= 400 && answer.statusCode < 500,
      `${answer.statusCode} ${answer.body.slice(0, 300)}`,
    );
    await isAlive(t);
  });
}

const MAPPINGS: Record<string, string> = {
  'no JSON': 'x',
  'half of it': '{"columns":',
  null: 'null',
  'a list': '[]',
  'a NUL character': '{"columns":{"a\\u0000":"email"}}',
  'half of a surrogate pair': '{"columns":{"\\ud800":"email"}}',
  __proto__: '{"columns":{"__proto__":"email"}}',
  'a prototype of its own': '{"__proto__":{"columns":{"a":"email"}}}',
  'the same twice': '{"columns":{"a":"email"},"columns":{"a":"last_name"}}',
  'brackets without end': '['.repeat(60_000),
  'objects without end': '{"a":'.repeat(10_000),
  'ten thousand columns': JSON.stringify({
    columns: Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`c${index}`, 'email'])),
  }),
};

for (const [name, mapping] of Object.entries(MAPPINGS)) {
  t.test(`a mapping with ${name} is refused`, async (t) => {
    for (const kind of ['customers', 'orders']) {
      const answer = await post(
        fileOf(`a,b\nx@example.com,1\n`, field('mapping', mapping)),
        FORM,
        `kind=${kind}`,
      );
      t.ok(
        answer.statusCode === 400 || answer.statusCode === 422,
        `${kind} ${answer.statusCode} ${answer.body.slice(0, 300)}`,
      );
    }
  });
}

t.test('a file name goes nowhere', async (t) => {
  for (const name of [
    '../../../../etc/passwd',
    'a\\..\\b',
    '=cmd()',
    "x'; drop table jobs",
    'ä'.repeat(300),
    'CON',
    '.',
  ]) {
    const head = FILE_HEAD.replace('data.csv', name);
    t.equal((await post(`${head}${HEADER}${ROW}${END}`)).statusCode, 202, name);
  }
});

/** Bodies of JSON that cost more to read than to write. */
const BODIES: Record<string, { body: string; status: number }> = {
  'a megabyte of brackets': { body: '['.repeat(MIB - 1), status: 400 },
  'a megabyte of objects': { body: '{"a":'.repeat(200_000), status: 400 },
  'a megabyte of commas': { body: `[${','.repeat(MIB - 10)}]`, status: 400 },
  'half a million numbers': { body: `[${'1,'.repeat(500_000)}1]`, status: 400 },
  'a number of a megabyte': { body: `{"a":${'9'.repeat(MIB - 10)}}`, status: 400 },
  'an exponent without end': { body: '{"a":1e99999999999999999999}', status: 400 },
  'a name of a megabyte': { body: `{"${'x'.repeat(MIB - 20)}":1}`, status: 400 },
  'a hundred thousand properties': {
    body: JSON.stringify(Object.fromEntries(Array.from({ length: 80_000 }, (_, index) => [`p${index}`, 1]))),
    status: 400,
  },
  'names that collide': {
    body: `{${Array.from({ length: 60_000 }, (_, index) => `"${index * 2 ** 20}":1`).join(',')}}`,
    status: 400,
  },
  'escapes alone': { body: `{"lastName":"${'\\u0061'.repeat(150_000)}"}`, status: 400 },
  'more than a megabyte': { body: `{"lastName":"${'x'.repeat(2 * MIB)}"}`, status: 413 },
};

for (const [name, { body, status }] of Object.entries(BODIES)) {
  t.test(`a body with ${name} is ${status}, at once`, async (t) => {
    const started = performance.now();
    const answer = await store.call('POST', '/v1/customers', body, { 'content-type': 'application/json' });
    t.equal(answer.statusCode, status, answer.body.slice(0, 300));
    t.ok(answer.body.length < 50_000, `${answer.body.length} bytes of answer`);
    const took = performance.now() - started;
    t.ok(took < 3_000, `${took.toFixed(0)} ms`);
  });
}
