// The CSV reader: every kind of bad file costs its own rows only, and nothing is held.
import { deepStrictEqual } from 'node:assert';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { type CsvBatch, type CsvFile, openCsv, readCsv } from '../../src/clients/csv-reader.ts';
import { csvLine } from '../../src/clients/csv-writer.ts';
import { FileRefused } from '../../src/clients/text-stream.ts';
import { unguardCell } from '../../src/domain/csv.ts';

async function read(bytes: Uint8Array | string): Promise<CsvFile & CsvBatch> {
  const csv = await openCsv(Readable.from([Buffer.from(bytes)]));
  return Object.assign(await collect(csv.batches), csv, { encoding: csv.encoding });
}

async function collect(batches: AsyncIterable<CsvBatch>): Promise<CsvBatch> {
  const all: CsvBatch = { rows: [], problems: [] };
  for await (const batch of batches) {
    all.rows.push(...batch.rows);
    all.problems.push(...batch.problems);
  }
  return all;
}

async function* chunksOf(text: string, size: number): AsyncGenerator<string, void, undefined> {
  for (let from = 0; from < text.length; from += size) yield text.slice(from, from + size);
}

const cellsOf = (batch: CsvBatch) => batch.rows.map((row) => row.cells);
const linesOf = (batch: CsvBatch) => batch.rows.map((row) => row.line);
const codesOf = (batch: CsvBatch) => batch.problems.map((problem) => [problem.line, problem.code]);

async function refusal(bytes: Uint8Array | string): Promise<FileRefused | undefined> {
  return read(bytes).then(
    () => undefined,
    (error) => (error instanceof FileRefused ? error : Promise.reject(error)),
  );
}

t.test('encodings', async (t) => {
  const text = 'email,name\nä@example.com,Zoë\n';
  const rows = [['ä@example.com', 'Zoë']];
  const utf16be = Buffer.from(`\ufeff${text}`, 'utf16le').swap16();
  const cases: [string, Buffer, string][] = [
    ['UTF-8', Buffer.from(text), 'utf-8'],
    ['UTF-8 with BOM', Buffer.from(`\ufeff${text}`), 'utf-8'],
    ['UTF-16 LE with BOM', Buffer.from(`\ufeff${text}`, 'utf16le'), 'utf-16le'],
    ['UTF-16 BE with BOM', utf16be, 'utf-16be'],
    ['UTF-16 LE without BOM', Buffer.from(text, 'utf16le'), 'utf-16le'],
    ['UTF-16 BE without BOM', utf16be.subarray(2), 'utf-16be'],
    ['Latin-1', Buffer.from(text, 'latin1'), 'windows-1252'],
    ['gzip', gzipSync(text), 'utf-8'],
    ['gzip of Latin-1', gzipSync(Buffer.from(text, 'latin1')), 'windows-1252'],
  ];
  for (const [name, bytes, encoding] of cases) {
    await t.test(name, async (t) => {
      const csv = await read(bytes);
      t.strictSame(csv.headers, ['email', 'name']);
      t.strictSame(cellsOf(csv), rows);
      t.strictSame(csv.problems, []);
      t.equal(csv.encoding, encoding);
    });
  }

  t.test(
    'Windows-1252 has the euro sign and curly quotes where Latin-1 has control characters',
    async (t) => {
      const csv = await read(Buffer.from([0x61, 0x0a, 0x80, 0x93, 0xe4, 0x94, 0x0a]));
      t.strictSame(cellsOf(csv), [['€“ä”']]);
    },
  );

  t.test('the first non-ASCII byte decides, however late it comes', async (t) => {
    const plain = 'a@example.com,Ann\n'.repeat(10_000);
    const latin = await read(Buffer.from(`email,name\n${plain}b@example.com,Zoë\n`, 'latin1'));
    t.strictSame(latin.rows.at(-1), { line: 10_002, cells: ['b@example.com', 'Zoë'] });
    t.equal(latin.encoding, 'windows-1252');
    const utf8 = await read(`email,name\n${plain}b@example.com,Zoë\n`);
    t.strictSame(utf8.rows.at(-1)?.cells, ['b@example.com', 'Zoë']);
    t.equal((await read('email\na\n')).encoding, 'ascii');
  });

  t.test('U+FEFF is a mark at the start of the file only', async (t) => {
    const filler = 'x'.repeat(65_536 - 'a\n'.length - 1);
    const csv = await read(`a\n${filler}\n\ufeffä\n`);
    t.strictSame(csv.rows.at(-1)?.cells, ['\ufeffä']);
  });

  t.test('a damaged byte in UTF-8 costs its row, and names the column', async (t) => {
    const damaged = Buffer.concat([
      Buffer.from('email,name\nä@example.com,Zoë\nb@example.com,Zo'),
      Buffer.from([0xeb]),
      Buffer.from('\nc@example.com,Chloé\n'),
    ]);
    const csv = await read(damaged);
    t.strictSame(linesOf(csv), [2, 4]);
    t.match(csv.problems, [
      { line: 3, column: 'name', code: 'ENCODING', cells: ['b@example.com', 'Zo\ufffd'] },
    ]);
  });

  t.test('a character cut by the end of the file is a problem, not a loss', async (t) => {
    t.strictSame(codesOf(await read(Buffer.from('name\nä\nZoë').subarray(0, -1))), [[3, 'ENCODING']]);
  });

  t.test('a null character costs its row', async (t) => {
    const csv = await read(`email,name\n${'a@example.com,Ann\n'.repeat(5_000)}b,B\0b\nc,Cy\n`);
    t.strictSame(codesOf(csv), [[5002, 'ENCODING']]);
    t.strictSame(csv.rows.at(-1)?.line, 5003);
  });
});

t.test('delimiters', async (t) => {
  for (const delimiter of [',', ';', '\t', '|']) {
    t.test(JSON.stringify(delimiter), async (t) => {
      const csv = await read([`email`, `name`, `note\n1`, `"x, ;|\ty"`, `2\n`].join(delimiter));
      t.equal(csv.delimiter, delimiter);
      t.strictSame(csv.headers, ['email', 'name', 'note']);
      t.strictSame(cellsOf(csv), [['1', 'x, ;|\ty', '2']]);
    });
  }
  t.test('one column is a table too', async (t) => {
    t.strictSame(cellsOf(await read('email\na@example.com\n')), [['a@example.com']]);
  });
  t.test('delimiters inside quoted headers do not count', async (t) => {
    t.strictSame((await read('"a,b,c,d";"e"\n1;2\n')).headers, ['a,b,c,d', 'e']);
  });
  t.test("Excel's sep= line is understood and counts as a line", async (t) => {
    const csv = await read('sep=|\r\na|b,c,d\r\n1|2\r\n');
    t.strictSame(csv.headers, ['a', 'b,c,d']);
    t.strictSame(csv.rows, [{ line: 3, cells: ['1', '2'] }]);
  });
});

t.test('line ends and line numbers', async (t) => {
  for (const end of ['\n', '\r\n', '\r']) {
    t.test(JSON.stringify(end), async (t) => {
      const text = ['', 'a,b', '1,"x', 'y"', '', '2,z', ',', '3,"w"', '4,v'].join(end);
      for (const file of [text, `${text}${end}`]) {
        const csv = await read(file);
        t.strictSame(linesOf(csv), [3, 6, 8, 9], 'physical lines, blank ones left out');
        const inner = end === '\r' ? '\n' : end;
        t.strictSame(cellsOf(csv), [
          ['1', `x${inner}y`],
          ['2', 'z'],
          ['3', 'w'],
          ['4', 'v'],
        ]);
        t.strictSame(csv.problems, []);
      }
    });
  }
});

t.test('quotes', async (t) => {
  const cases: [string, string, string[][]][] = [
    ['doubled quotes', '"say ""hi""",2', [['say "hi"', '2']]],
    ['an empty quoted cell', '"",2', [['', '2']]],
    ['only quotes', '"""""",2', [['""', '2']]],
    ['a quote inside a bare cell is text', '5" pipe,2', [['5" pipe', '2']]],
    ['spaces around quotes are nothing', ' "a, b" , "c" ', [['a, b', 'c']]],
    ['spaces of bare cells are kept for the caller', ' a , b ', [[' a ', ' b ']]],
  ];
  for (const [name, line, rows] of cases) {
    t.test(name, async (t) => {
      const csv = await read(`h1,h2\n${line}\n`);
      t.strictSame(cellsOf(csv), rows);
      t.strictSame(csv.problems, []);
    });
  }
});

t.test('rows that do not fit the header', async (t) => {
  const csv = await read('a,b,c,\n1,2,3\n1,2\n1,2,3,\n1,2,3,4\n1,2,3,,,\n');
  t.strictSame(csv.headers, ['a', 'b', 'c'], 'a trailing delimiter is no column');
  t.strictSame(linesOf(csv), [2, 4, 6]);
  t.strictSame(codesOf(csv), [
    [3, 'RAGGED_ROW'],
    [5, 'RAGGED_ROW'],
  ]);
  t.strictSame(csv.problems[0]?.cells, ['1', '2'], 'the cells come along for the file of error rows');
});

t.test('an unclosed quote costs its own line', async (t) => {
  const good = '1,2\n'.repeat(2_000);
  t.test('to the end of the file', async (t) => {
    const csv = await read(`a,b\n${good}x,"open\n${good}`);
    t.equal(csv.rows.length, 4_000, 'the rows before and the rows behind are in');
    t.strictSame(codesOf(csv), [[2002, 'UNCLOSED_QUOTE']]);
    t.strictSame(csv.problems[0]?.cells, ['x,"open']);
    t.equal(csv.rows.at(-1)?.line, 4002);
  });
  t.test('with a quoted row far behind it', async (t) => {
    const csv = await read(`a,b\n${good}x,"open\n${good}"p","q"\n${good}`);
    t.equal(csv.rows.length, 6_001);
    t.strictSame(codesOf(csv), [[2002, 'STRAY_QUOTE']]);
    t.equal(csv.rows.at(-1)?.line, 6003);
  });
  t.test('more than 1 MiB away from any other quote', async (t) => {
    const many = '1,2\n'.repeat(400_000);
    const csv = await read(`a,b\nx,"open\n${many}`);
    t.equal(csv.rows.length, 400_000);
    t.strictSame(codesOf(csv), [[2, 'UNCLOSED_QUOTE']]);
  });
  t.test('in the second line of a record: the line where it opens is named', async (t) => {
    const csv = await read('a,b\n"1\n2","open\n3,4\n');
    t.strictSame(codesOf(csv), [[3, 'UNCLOSED_QUOTE']]);
    t.strictSame(linesOf(csv), [4]);
  });
  t.test('text behind a closing quote', async (t) => {
    const csv = await read('a,b\n"he said "hi" to me",2\n3,4\n');
    t.strictSame(codesOf(csv), [[2, 'STRAY_QUOTE']]);
    t.strictSame(linesOf(csv), [3]);
  });
});

t.test('a line of 10 MB costs its own line and is not held', async (t) => {
  for (const start of ['x,', 'x,"']) {
    t.test(start, async (t) => {
      const csv = await read(`a,b\n1,2\n${start}${'y'.repeat(10_000_000)}\n3,4\n`);
      t.strictSame(codesOf(csv), [[3, 'RECORD_TOO_LONG']]);
      t.strictSame(linesOf(csv), [2, 4]);
      t.ok((csv.problems[0]?.cells?.[0]?.length ?? 0) <= 1_000);
    });
  }
  t.test('in one chunk or in many', async (t) => {
    const file = `a,b\n1,2\nx,${'y'.repeat(2_000_000)}\n3,4\n5,"${'z'.repeat(2_000_000)}"\n6,7\n`;
    for (const size of [file.length, 700_001, 30_000]) {
      const csv = await collect((await readCsv(chunksOf(file, size))).batches);
      t.strictSame(codesOf(csv), [
        [3, 'RECORD_TOO_LONG'],
        [5, 'RECORD_TOO_LONG'],
      ]);
      t.strictSame(linesOf(csv), [2, 4, 6]);
    }
  });
  t.test('spaces without end behind a closing quote are not held either', async (t) => {
    const csv = await read(`a,b\n"1\n2"${' '.repeat(3_000_000)}\n3,4\n`);
    t.strictSame(codesOf(csv), [[2, 'RECORD_TOO_LONG']]);
    t.strictSame(linesOf(csv), [4]);
  });
});

t.test('files that are refused as a whole', async (t) => {
  const cases: [string, Uint8Array | string, string, number?][] = [
    ['empty', '', 'EMPTY_FILE'],
    ['only a BOM', '\ufeff', 'EMPTY_FILE'],
    ['only blank lines', '\n \r\n\n', 'EMPTY_FILE'],
    ['a header of nothing but commas', ',,,\n1,2,3,4\n', 'EMPTY_FILE'],
    ['an empty gzip', gzipSync(''), 'EMPTY_FILE'],
    ['a header that is there twice', '\nemail,name, email\n', 'DUPLICATE_HEADER', 2],
    ['an unclosed quote in the header', 'email,"name\n1,2\n', 'UNCLOSED_QUOTE', 1],
    ['a header of 2 MB', `a,${'b'.repeat(2_000_000)}\n1,2\n`, 'RECORD_TOO_LONG', 1],
    ['2 MB of spaces', ' '.repeat(2_000_000), 'RECORD_TOO_LONG', 1],
    ['an .xlsx', Buffer.from('504b03041400000008', 'hex'), 'NOT_TEXT'],
    ['an .xls', Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'NOT_TEXT'],
    ['a picture', Buffer.from('89504e470d0a1a0a0000000d494844520000000100000001', 'hex'), 'NOT_TEXT'],
    ['gzip cut off at the start', gzipSync('email\n').subarray(0, 8), 'BROKEN_GZIP'],
  ];
  for (const [name, bytes, code, line] of cases) {
    t.test(name, async (t) =>
      t.match(await refusal(bytes), { code, ...(line === undefined ? {} : { line }) }),
    );
  }
  t.test('a header alone is a file without rows', async (t) => {
    for (const file of ['email,name', 'email,name\n', '\ufeffemail,name\r\n']) {
      const csv = await read(file);
      t.strictSame([csv.headers, csv.rows, csv.problems], [['email', 'name'], [], []]);
    }
  });
});

t.test('gzip cut off in the middle: rows come first, then the refusal', async (t) => {
  const random = Array.from({ length: 50_000 }, () => `${Math.random()},${Math.random()}\n`).join('');
  const whole = gzipSync(`a,b\n${random}`);
  const csv = await openCsv(Readable.from([whole.subarray(0, whole.length / 2)]));
  let rows = 0;
  await t.rejects(
    async () => {
      for await (const batch of csv.batches) rows += batch.rows.length;
    },
    { name: 'FileRefused', code: 'BROKEN_GZIP' },
  );
  t.ok(rows > 10_000);
});

t.test('an error of the source passes through, gzip or not', async (t) => {
  for (const start of [Buffer.from('a,b\n1,2\n'), gzipSync('a,b\n1,2\n').subarray(0, 12)]) {
    const source = (async function* () {
      yield start;
      throw new Error('connection lost');
    })();
    await t.rejects(openCsv(source), { message: 'connection lost' });
  }
});

t.test('who stops early closes the source', async (t) => {
  const endless = () =>
    new Readable({
      read() {
        this.push('1,2\n'.repeat(20_000));
      },
    });
  t.test('break', async (t) => {
    const source = endless();
    const closed = new Promise((resolve) => source.once('close', resolve));
    for await (const batch of (await openCsv(source)).batches) if (batch.rows.length > 0) break;
    await closed;
    t.ok(source.destroyed);
  });
  t.test('close() without reading a row', async (t) => {
    const source = endless();
    const closed = new Promise((resolve) => source.once('close', resolve));
    await (await openCsv(source)).close();
    await closed;
    t.ok(source.destroyed);
  });
  t.test('a refused header', async (t) => {
    const source = Readable.from([Buffer.from('a,a\n'), ...Array(100).fill(Buffer.alloc(65_536, 'x'))]);
    const closed = new Promise((resolve) => source.once('close', resolve));
    await t.rejects(openCsv(source), { code: 'DUPLICATE_HEADER' });
    await closed;
    t.ok(source.destroyed);
  });
});

t.test('batches have about a thousand rows, and fewer when rows are long', async (t) => {
  const short = await openCsv(Readable.from([Buffer.from(`a\n${'1\n'.repeat(2_500)}`)]));
  const sizes: number[] = [];
  for await (const batch of short.batches) sizes.push(batch.rows.length);
  t.strictSame(sizes, [1_000, 1_000, 500]);
  const long = await openCsv(Readable.from([Buffer.from(`a\n${`${'x'.repeat(500_000)}\n`.repeat(40)}`)]));
  for await (const batch of long.batches) t.ok(batch.rows.length < 12);
});

t.test('memory stays flat on 200 MB', async (t) => {
  const row = 'user@example.com,"Ann, a",Müller,+491701234567,Shop,de,"vip, early",Main Street 1,Berlin,DE\n';
  const files: [string, Buffer][] = [
    ['of rows', Buffer.from(row.repeat(1_000))],
    ['in one line', Buffer.alloc(100_000, 'x')],
    ['in one quoted cell', Buffer.alloc(100_000, '"" ')],
    ['behind an unclosed quote', Buffer.from('user@example.com,Ann,b,c,d,e,f,g,h,i\n'.repeat(1_000))],
  ];
  for (const [name, chunk] of files) {
    t.test(name, async (t) => {
      const chunks = Math.ceil(200e6 / chunk.length);
      let peak = 0;
      async function* source() {
        yield Buffer.from('a,b,c,d,e,f,g,h,i,j\n');
        if (name === 'in one quoted cell') yield Buffer.from('"');
        if (name === 'behind an unclosed quote') yield Buffer.from('x,"y\n');
        for (let index = 0; index < chunks; index += 1) {
          yield chunk;
          if (index % 50 === 0) peak = Math.max(peak, process.memoryUsage().rss);
        }
      }
      const before = process.memoryUsage().rss;
      let count = 0;
      for await (const batch of (await openCsv(source())).batches) count += batch.rows.length;
      t.equal(count, name.startsWith('in one') ? 0 : chunks * 1_000);
      t.ok(peak - before < 100e6, `grew by ${Math.round((peak - before) / 1e6)} MB`);
    });
  }
});

const cell = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !/[\0\ufffd]/.test(text)),
  fc.constantFrom(
    '',
    '=1+1',
    "'=x",
    '-5',
    '+49',
    '@a',
    '\tx',
    '"',
    '""',
    'a"b',
    ' ',
    '\r',
    '\n',
    '\r\n',
    ',',
    'ä€',
  ),
);
const table = fc
  .integer({ min: 1, max: 5 })
  .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 20 }));
const headersFor = (rows: string[][]) => (rows[0] ?? ['']).map((_, index) => `column ${index}`);

t.test('any table the writer writes is read back the same', async () => {
  await fc.assert(
    fc.asyncProperty(table, async (rows) => {
      const csv = await read([headersFor(rows), ...rows].map(csvLine).join(''));
      const again = csv.rows.map((row) => row.cells.map(unguardCell));
      deepStrictEqual({ rows: again, problems: csv.problems }, { rows, problems: [] });
    }),
    { numRuns: 300 },
  );
});

t.test('where the text is cut into chunks changes nothing, in good files and bad ones', async () => {
  const text = fc
    .array(
      fc.constantFrom(
        'a',
        'é',
        ',',
        '"',
        '""',
        '\n',
        '\r\n',
        '\r',
        ' ',
        '\ufffd',
        'bc',
        '"a\nb",cc\n',
        '"d""\r\n" , e\r\n',
      ),
      {
        maxLength: 60,
      },
    )
    .map((parts) => `x,y\r\n${parts.join('')}`);
  const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 20 });
  const readChunks = async (chunks: string[]) => {
    const csv = await readCsv(
      (async function* () {
        yield* chunks;
      })(),
    );
    return collect(csv.batches);
  };
  await fc.assert(
    fc.asyncProperty(text, cuts, fc.boolean(), async (file, places, mac) => {
      const whole = mac ? file.replace('\r\n', '\r') : file;
      const sorted = [0, ...places.filter((at) => at < whole.length).sort((a, b) => a - b), whole.length];
      const chunks = sorted.slice(1).map((end, index) => whole.slice(sorted[index], end));
      const expected = await readChunks([whole]);
      deepStrictEqual(await readChunks(chunks), expected);
      deepStrictEqual(await readChunks([...whole]), expected);
    }),
    { numRuns: 500 },
  );
});
