import fc from 'fast-check';
import Fastify, { type FastifyRequest } from 'fastify';
import t from 'tap';
import { MAX_DEPTH, MalformedJson, parseStrictJson, useStrictJson } from '../../src/plugins/json-body.ts';

function refusal(text: string): MalformedJson {
  try {
    parseStrictJson(text);
  } catch (error) {
    if (error instanceof MalformedJson) return error;
    throw error;
  }
  throw new Error(`accepted: ${text.slice(0, 80)}`);
}

t.test('ordinary documents are read exactly as JSON.parse reads them', async (t) => {
  const texts = [
    '{}',
    ' [ ] ',
    'null',
    '-0',
    '"äöü 😀"',
    '{"a":{"a":[{"a":1},{"a":2}]}}',
    '{"note":"say \\"hi\\": ok","colon":":","quote":"\\"","a":"\\u00e4\\ud83d\\ude00"}',
    '{"a" :1,\r\n\t"b"\n:\t2.5e3}',
    '{"constructor":{"name":"x"},"prototype":{},"toString":1,"hasOwnProperty":2}',
    '[9007199254740991,-9007199254740991,0.1,1e15]',
    '["\\\\u0000", "\\\\\\\\ud800"]',
  ];
  for (const text of texts) t.same(parseStrictJson(text), JSON.parse(text), text);
  fc.assert(
    fc.property(fc.json({ maxDepth: 5, stringUnit: 'binary' }), (text) => {
      try {
        return JSON.stringify(parseStrictJson(text)) === JSON.stringify(JSON.parse(text));
      } catch (error) {
        return error instanceof MalformedJson && error.reason !== 'SYNTAX';
      }
    }),
    { numRuns: 500 },
  );
});

t.test(
  'whatever is no JSON is SYNTAX, and the message names line, column and what belongs there',
  async (t) => {
    const cases: [string, string][] = [
      ['', 'a value'],
      ['{', 'a property name in double quotes'],
      ["{'a':1}", 'a property name in double quotes'],
      ['{"a":1,}', 'a property name in double quotes'],
      ['{"a"=1}', 'a colon'],
      ['{"a":1 "b":2}', 'a comma or }'],
      ['[1 2]', 'a comma or ]'],
      ['[01]', 'a comma or ]'],
      ['[.5]', 'a value'],
      ['[NaN]', 'a value'],
      ['{} {}', 'the end of the document'],
      ['"tab\there"', 'a closing double quote'],
      ['"open', 'a closing double quote'],
      ['"\\x41"', 'one of the escapes'],
      ['"\\N"', 'one of the escapes'],
      ['"\\u00zz"', 'one of the escapes'],
    ];
    for (const [text, expected] of cases) {
      const error = refusal(text);
      t.equal(error.reason, 'SYNTAX', text);
      t.match(error.message, expected, text);
    }
    t.match(refusal('{\n  "a": 1,\n  b: 2\n}').message, 'line 3, column 3 has "b"');
    t.equal(refusal('{\n  "a": 1,\n  b: 2\n}').offset, 14);

    const mutated = fc.tuple(
      fc.json({ maxDepth: 4 }),
      fc.nat(),
      fc.constantFrom('', '"', '{', ']', ',', ':', '\\', '0', ' '),
    );
    fc.assert(
      fc.property(mutated, ([text, position, character]) => {
        const at = position % (text.length + 1);
        const broken = text.slice(0, at) + character + text.slice(at + 1);
        return accepts(JSON.parse, broken) || refusal(broken).statusCode === 400;
      }),
      { numRuns: 2000 },
    );
  },
);

function accepts(read: (text: string) => unknown, text: string): boolean {
  try {
    read(text);
    return true;
  } catch {
    return false;
  }
}

t.test(
  'a key twice in one object is refused at every level, also when one is written with escapes',
  async (t) => {
    const cases: [string, string][] = [
      ['{"a":1,"a":1}', '/a'],
      ['{"a":1,"\\u0061":2}', '/a'],
      ['{"o":[{},{"x":{"y":1,"z":2,"y":3}}]}', '/o/1/x/y'],
      ['{"a/b":{"c~d":1,"c~d":2}}', '/a~1b/c~0d'],
      ['{"":1,"":2}', '/'],
      ['{"a" : ":", "a"\n:\t2}', '/a'],
      ['{"constructor":1,"constructor":2}', '/constructor'],
    ];
    for (const [text, pointer] of cases) t.match(refusal(text), { reason: 'DUPLICATE_KEY', pointer }, text);
    t.match(refusal('{"a":1,"a":2}'), {
      message: '/a is there more than once in its object: send it once.',
      offset: 7,
    });

    const key = fc.constantFrom('a', 'b', 'c', '\\u0061', 'a:', '\\":', ' ', 'd', 'e');
    const value = fc.constantFrom('1', '":"', '"\\":"', '{"a":1}', '[{"b":2}]', 'null');
    fc.assert(
      fc.property(fc.array(fc.tuple(key, value), { maxLength: 5 }), (pairs) => {
        const text = `{${pairs.map(([name, content]) => `"${name}":${content}`).join(' , ')}}`;
        const names = pairs.map(([name]) => JSON.parse(`"${name}"`));
        return accepts(parseStrictJson, text) === (new Set(names).size === names.length);
      }),
      { numRuns: 2000 },
    );
  },
);

t.test('32 levels are read, the 33rd is refused, and a megabyte of brackets costs no stack', async (t) => {
  const nested = (depth: number) =>
    '[{"a":'.repeat(depth / 2) + (depth % 2 ? '[]' : '1') + '}]'.repeat(depth / 2);
  t.ok(parseStrictJson(nested(MAX_DEPTH)));
  t.match(refusal(nested(MAX_DEPTH + 1)), { reason: 'TOO_DEEP' });
  t.match(refusal('['.repeat(33) + ']'.repeat(33)), { reason: 'TOO_DEEP', offset: 32 });
  t.match(refusal('['.repeat(500_000) + ']'.repeat(500_000)), { reason: 'TOO_DEEP' });
  t.match(refusal('['.repeat(1_000_000)), { reason: 'TOO_DEEP' });
});

t.test('numbers beyond ±(2^53 − 1) and infinite ones are refused', async (t) => {
  for (const number of [
    '9007199254740992',
    '9007199254740993',
    '-9007199254740992',
    '1e16',
    '1e999',
    '-1e999',
  ]) {
    t.match(
      refusal(`{"total":{"amount":${number}}}`),
      { reason: 'NUMBER_TOO_LARGE', pointer: '/total/amount' },
      number,
    );
  }
  t.match(refusal('1e999'), { reason: 'NUMBER_TOO_LARGE', pointer: '', message: /^The document is beyond/ });
});

t.test('NUL and lone surrogates are refused in values and in keys', async (t) => {
  const cases: [string, string, string][] = [
    ['{"a":"x\\u0000"}', 'NUL_CHARACTER', '/a'],
    ['{"a":"x\0"}', 'NUL_CHARACTER', '/a'],
    ['{"a":{"\\u0000":1}}', 'NUL_CHARACTER', '/a'],
    ['["\\ud83d"]', 'LONE_SURROGATE', '/0'],
    ['["\\uDE00\\uD83D"]', 'LONE_SURROGATE', '/0'],
    ['["\ud83d"]', 'LONE_SURROGATE', '/0'],
    ['{"a":{"\\udc00":1}}', 'LONE_SURROGATE', '/a'],
  ];
  for (const [text, reason, pointer] of cases)
    t.match(refusal(text), { reason, pointer }, JSON.stringify(text));
});

t.test('keys that reach for a prototype are refused', async (t) => {
  t.match(refusal('{"a":{"__proto__":{"admin":true}}}'), {
    reason: 'FORBIDDEN_KEY',
    pointer: '/a/__proto__',
  });
  t.match(refusal('{"\\u005f_proto__":1}'), { reason: 'FORBIDDEN_KEY' });
  t.match(refusal('{"constructor":{"prototype":{}}}'), {
    reason: 'FORBIDDEN_KEY',
    pointer: '/constructor/prototype',
  });
  t.ok(parseStrictJson('{"constructor":"Lego","prototype":1}'));
});

t.test('a huge name is not echoed whole', async (t) => {
  const name = 'x'.repeat(100_000);
  t.ok(refusal(`{"${name}":1,"${name}":2}`).message.length < 300);
});

t.test(
  'over HTTP: JSON and merge-patch bodies are read strictly, everything else answers 400 or 415',
  async (t) => {
    const app = Fastify();
    useStrictJson(app);
    app.setErrorHandler((error: Error & { statusCode?: number; reason?: string }, _request, reply) =>
      reply.status(error.statusCode ?? 500).send({ reason: error.reason }),
    );
    const handler = async (request: FastifyRequest) => ({ got: request.body ?? 'none' });
    app.route({ method: ['POST', 'PATCH'], url: '/', schema: { body: {} }, handler });
    app.delete('/', handler);
    t.teardown(() => app.close());
    const send = (method: 'POST' | 'PATCH' | 'DELETE', type?: string, payload?: string | Buffer) =>
      app.inject({
        method,
        url: '/',
        ...(payload === undefined ? {} : { payload }),
        ...(type ? { headers: { 'content-type': type } } : {}),
      });

    t.same((await send('POST', 'application/json', '{"a":"ä"}')).json(), { got: { a: 'ä' } });
    t.same((await send('POST', 'application/json; charset=utf-8', '[1]')).json(), { got: [1] });
    t.same((await send('PATCH', 'application/merge-patch+json', '{"a":null}')).json(), { got: { a: null } });
    t.same(
      (await send('POST', 'application/json', Buffer.from('\ufeff{}'))).json(),
      { got: {} },
      'a byte order mark is skipped',
    );

    const refused: [string | Buffer, string][] = [
      ['{"a":1,"a":2}', 'DUPLICATE_KEY'],
      [Buffer.from([0x22, 0xff, 0x22]), 'INVALID_UTF8'],
      [Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'INVALID_UTF8'],
      [Buffer.from([0x22, 0xc0, 0x80, 0x22]), 'INVALID_UTF8'],
      ['', 'EMPTY_BODY'],
      [' ', 'SYNTAX'],
    ];
    for (const [payload, reason] of refused) {
      const answer = await send('POST', 'application/json', payload);
      t.match({ status: answer.statusCode, body: answer.json() }, { status: 400, body: { reason } });
    }
    t.same(
      (await send('DELETE', 'application/json')).json(),
      { got: 'none' },
      'announced and not sent, where none is asked for',
    );
    t.equal((await send('DELETE', 'application/json', '{')).json().reason, 'SYNTAX');
    t.same((await send('DELETE')).json(), { got: 'none' }, 'no body and no Content-Type is no body');
    t.same((await send('POST')).json(), { got: 'none' });
    t.equal((await send('POST', 'application/xml', '<a/>')).statusCode, 415);
  },
);
