// The NDJSON reader: a bad line costs itself only.
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { type NdjsonBatch, openNdjson } from '../../src/clients/ndjson-reader.ts';

async function read(bytes: Uint8Array | string): Promise<NdjsonBatch> {
  const all: NdjsonBatch = { rows: [], problems: [] };
  for await (const batch of (await openNdjson(Readable.from([Buffer.from(bytes)]))).batches) {
    all.rows.push(...batch.rows);
    all.problems.push(...batch.problems);
  }
  return all;
}

t.test('objects with their lines, blank lines left out', async (t) => {
  for (const end of ['\n', '\r\n']) {
    const lines = ['{"a":1}', '', '  ', '{"b":"ä\\n"}'];
    for (const text of [lines.join(end), `${lines.join(end)}${end}`]) {
      for (const bytes of [text, `\ufeff${text}`, gzipSync(text), Buffer.from(`\ufeff${text}`, 'utf16le')]) {
        t.strictSame(await read(bytes), {
          rows: [
            { line: 1, value: { a: 1 } },
            { line: 4, value: { b: 'ä\n' } },
          ],
          problems: [],
        });
      }
    }
  }
});

t.test('bad lines', async (t) => {
  const cases: [string, Uint8Array | string, string][] = [
    ['cut off', '{"a":1', 'INVALID_JSON'],
    ['no JSON', 'hello', 'INVALID_JSON'],
    ['an array', '[1]', 'NOT_AN_OBJECT'],
    ['null', 'null', 'NOT_AN_OBJECT'],
    ['a number', '5', 'NOT_AN_OBJECT'],
    ['10 MB', `{"a":"${'x'.repeat(10_000_000)}"}`, 'LINE_TOO_LONG'],
    ['a byte that is no UTF-8', Buffer.from('{"a":"\xe4","b":"\xc3\xbc\xc3\xbc"}', 'latin1'), 'ENCODING'],
  ];
  for (const [name, bytes, code] of cases) {
    t.test(name, async (t) => {
      const file = Buffer.concat([Buffer.from('{"n":1}\n'), Buffer.from(bytes), Buffer.from('\n{"n":3}')]);
      const { rows, problems } = await read(file);
      t.strictSame(
        rows.map((row) => row.line),
        [1, 3],
      );
      t.match(problems, [{ line: 2, code }]);
    });
  }
});

t.test('files that are refused as a whole', async (t) => {
  await t.rejects(read(''), { name: 'FileRefused', code: 'EMPTY_FILE' });
  await t.rejects(read(Buffer.from('504b03040000', 'hex')), { code: 'NOT_TEXT' });
});

t.test('batches have a thousand objects, and fewer when lines are long', async (t) => {
  const sizes = async (text: string) => {
    const found: number[] = [];
    const file = await openNdjson(Readable.from([Buffer.from(text)]));
    for await (const batch of file.batches) found.push(batch.rows.length);
    return found;
  };
  t.strictSame(await sizes('{"a":1}\n'.repeat(2_500)), [1_000, 1_000, 500]);
  const long = await sizes(`{"a":"${'x'.repeat(500_000)}"}\n`.repeat(40));
  t.ok(long.every((size) => size < 12));
});

t.test('memory stays flat on 200 MB', async (t) => {
  const row = '{"externalId":"1001","email":"ann@example.com","items":[{"sku":"a","quantity":1}]}\n';
  const files: [string, Buffer][] = [
    ['of rows', Buffer.from(row.repeat(1_000))],
    ['in one line', Buffer.alloc(100_000, 'x')],
  ];
  for (const [name, chunk] of files) {
    t.test(name, async (t) => {
      const chunks = Math.ceil(200e6 / chunk.length);
      let peak = 0;
      async function* source() {
        for (let index = 0; index < chunks; index += 1) {
          yield chunk;
          if (index % 50 === 0) peak = Math.max(peak, process.memoryUsage().rss);
        }
      }
      const before = process.memoryUsage().rss;
      let count = 0;
      for await (const batch of (await openNdjson(source())).batches) count += batch.rows.length;
      t.equal(count, name === 'of rows' ? chunks * 1_000 : 0);
      t.ok(peak - before < 100e6, `grew by ${Math.round((peak - before) / 1e6)} MB`);
    });
  }
});
