import fc from 'fast-check';
import t from 'tap';
import {
  applyCustom,
  CUSTOM_FIELD_TYPES,
  type CustomFieldDeclaration,
  checkCustom,
  checkDeclarations,
  MAX_CUSTOM_FIELDS,
} from '../../src/domain/custom-fields.ts';

const DECLARATIONS: CustomFieldDeclaration[] = [
  { key: 'shoe_size', label: 'Shoe size', type: 'number', required: true },
  { key: 'nickname', label: 'Nickname', type: 'string' },
  { key: 'newsletter', label: 'Newsletter', type: 'boolean' },
  { key: 'wedding', label: 'Wedding day', type: 'date' },
  { key: 'fit', label: 'Fit', type: 'enum', options: ['slim', 'Regular'] },
];

const codes = (values: Record<string, unknown>, mode: 'create' | 'update' = 'update') =>
  checkCustom(DECLARATIONS, values, mode).map(({ pointer, code }) => `${pointer} ${code}`);

t.test('values of the declared types pass', async (t) => {
  const cases: Record<string, unknown>[] = [
    {},
    { shoe_size: 42.5, nickname: '', newsletter: false, wedding: '2024-02-29', fit: 'Regular' },
    { nickname: 'line one\nline two' },
    { nickname: '😀'.repeat(1_000) },
    { nickname: null, wedding: null, fit: null },
    { shoe_size: 0 },
  ];
  for (const values of cases) t.same(codes(values), [], JSON.stringify(values).slice(0, 50));
});

t.test('a value of the wrong type is told with pointer and what would be right', async (t) => {
  const cases: [Record<string, unknown>, string][] = [
    [{ shoe_size: '42' }, '/shoe_size CUSTOM_FIELD_INVALID'],
    [{ shoe_size: Number.NaN }, '/shoe_size CUSTOM_FIELD_INVALID'],
    [{ shoe_size: true }, '/shoe_size CUSTOM_FIELD_INVALID'],
    [{ nickname: 'x'.repeat(1_001) }, '/nickname CUSTOM_FIELD_INVALID'],
    [{ nickname: 'a\0b' }, '/nickname CUSTOM_FIELD_INVALID'],
    [{ nickname: '\ud800' }, '/nickname CUSTOM_FIELD_INVALID'],
    [{ nickname: { a: 1 } }, '/nickname CUSTOM_FIELD_INVALID'],
    [{ newsletter: 'true' }, '/newsletter CUSTOM_FIELD_INVALID'],
    [{ newsletter: 0 }, '/newsletter CUSTOM_FIELD_INVALID'],
    [{ wedding: '2023-02-29' }, '/wedding CUSTOM_FIELD_INVALID'],
    [{ wedding: '2023-02-28T00:00:00Z' }, '/wedding CUSTOM_FIELD_INVALID'],
    [{ fit: 'regular' }, '/fit CUSTOM_FIELD_INVALID'],
    [{ fit: '' }, '/fit CUSTOM_FIELD_INVALID'],
    [{ 'a/b': 1 }, '/a~1b CUSTOM_FIELD_UNKNOWN'],
    [{ constructor: 1 }, '/constructor CUSTOM_FIELD_UNKNOWN'],
    [{ toString: null }, '/toString CUSTOM_FIELD_UNKNOWN'],
  ];
  for (const [values, problem] of cases) t.same(codes(values), [problem], problem);
  t.match(checkCustom(DECLARATIONS, { fit: 'x' }, 'update')[0]?.message, 'slim, Regular');
});

t.test('a required field is wanted at creation and cannot be cleared later', async (t) => {
  t.same(codes({}, 'create'), ['/shoe_size CUSTOM_FIELD_REQUIRED']);
  t.same(codes({ shoe_size: null }, 'create'), ['/shoe_size CUSTOM_FIELD_REQUIRED']);
  t.same(codes({ shoe_size: null }, 'update'), ['/shoe_size CUSTOM_FIELD_REQUIRED']);
  t.same(codes({ nickname: 'x' }, 'update'), []);
  t.same(codes({ shoe_size: 'x' }, 'create'), ['/shoe_size CUSTOM_FIELD_INVALID'], 'one problem, not two');
});

t.test('null clears, absent keeps, and applying twice changes nothing', async (t) => {
  t.same(applyCustom({ a: 1, b: 2 }, { a: null, c: 'x' }), { b: 2, c: 'x' });
  const values = fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.oneof(fc.string(), fc.boolean(), fc.integer()),
  );
  const patches = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.option(fc.string()));
  fc.assert(
    fc.property(values, patches, (current, patch) => {
      const once = applyCustom(current, patch);
      return (
        JSON.stringify(applyCustom(once, patch)) === JSON.stringify(once) &&
        !Object.values(once).includes(null as never)
      );
    }),
  );
});

t.test('declarations: keys, labels, options and their number are checked', async (t) => {
  t.same(checkDeclarations(DECLARATIONS), []);
  const field = { key: 'a', label: 'A', type: 'string' as const };
  const cases: [CustomFieldDeclaration[], string][] = [
    [[{ ...field, key: 'Shoe' }], '/0/key CUSTOM_KEY_INVALID'],
    [[{ ...field, key: 'x'.repeat(64) }], '/0/key CUSTOM_KEY_INVALID'],
    [[{ ...field, key: '__proto__' }], '/0/key CUSTOM_KEY_INVALID'],
    [[{ ...field, label: ' ' }], '/0/label CUSTOM_LABEL_INVALID'],
    [[field, field], '/1/key CUSTOM_FIELD_TWICE'],
    [[{ ...field, type: 'enum' }], '/0/options CUSTOM_OPTIONS_INVALID'],
    [[{ ...field, type: 'enum', options: [] }], '/0/options CUSTOM_OPTIONS_INVALID'],
    [[{ ...field, type: 'enum', options: ['a', 'A'] }], '/0/options CUSTOM_OPTIONS_INVALID'],
    [[{ ...field, type: 'enum', options: ['a', ''] }], '/0/options CUSTOM_OPTIONS_INVALID'],
    [[{ ...field, options: ['a'] }], '/0/options CUSTOM_OPTIONS_INVALID'],
  ];
  for (const [declarations, problem] of cases) {
    t.same(
      checkDeclarations(declarations).map(({ pointer, code }) => `${pointer} ${code}`),
      [problem],
      problem,
    );
  }
  const many = Array.from({ length: MAX_CUSTOM_FIELDS + 1 }, (_, index) => ({ ...field, key: `k${index}` }));
  t.same(
    checkDeclarations(many).map(({ code }) => code),
    ['CUSTOM_FIELDS_LIMIT'],
  );
  t.same(checkDeclarations(many.slice(1)), []);
});

t.test('whatever is given, the check answers and never throws', async () => {
  const declarations = fc.constantFrom(...CUSTOM_FIELD_TYPES).map((type) => [{ key: 'a', label: 'A', type }]);
  fc.assert(
    fc.property(declarations, fc.anything(), fc.constantFrom('create', 'update'), (declared, value, mode) =>
      Array.isArray(checkCustom(declared, { a: value }, mode)),
    ),
  );
});
