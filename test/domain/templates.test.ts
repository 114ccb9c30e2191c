import t from 'tap';
import {
  exampleVariables,
  KNOWN_VARIABLES,
  mergeVariables,
  putIfMissing,
} from '../../src/domain/mail/template-variables.ts';
import {
  checkDeclarations,
  checkSizes,
  checkVariables,
  checkWayOut,
  localesFor,
  TEMPLATE_LIMITS,
} from '../../src/domain/mail/templates.ts';

const use = (path: string, pointer = '/source', line = 1) => ({ path, pointer, line });
const codes = (problems: readonly { code: string }[]) => problems.map(({ code }) => code);

t.test(
  'a variable that is neither declared nor known is an error, with its place and the nearest name',
  async (t) => {
    const declared = [{ name: 'data.couponCode' }];
    const uses = [use('data.couponCode'), use('data.cuponCode', '/subject', 3), use('customer.fristName')];
    t.same(checkVariables(uses, declared), [
      {
        pointer: '/subject',
        line: 3,
        code: 'VARIABLE_UNDECLARED',
        message: 'data.cuponCode is not declared in variables; did you mean data.couponCode?',
        nearest: 'data.couponCode',
      },
      {
        pointer: '/source',
        line: 1,
        code: 'VARIABLE_UNDECLARED',
        message: 'customer.fristName is not declared in variables; did you mean customer.firstName?',
        nearest: 'customer.firstName',
      },
    ]);
  },
);

t.test('a root that there is not is an error of its own', async (t) => {
  const [problem] = checkVariables([use('custmer.firstName')], []);
  t.match(problem, { code: 'VARIABLE_UNKNOWN', nearest: 'customer.firstName' });
  t.equal(checkVariables([use('process.env')], [])[0]?.code, 'VARIABLE_UNKNOWN');
});

t.test('a declaration that nothing uses is an error', async (t) => {
  t.match(checkVariables([use('order.number')], [{ name: 'data.reason' }]), [
    { pointer: '/variables/0', code: 'VARIABLE_UNUSED' },
  ]);
});

t.test('what leads to a declared variable, and what is below it, is declared too', async (t) => {
  const declared = [{ name: 'data.products' }];
  t.same(checkVariables([use('data.products.first.title'), use('data')], declared), []);
  t.match(checkVariables([use('data.productsOld')], declared), [
    { code: 'VARIABLE_UNDECLARED' },
    { code: 'VARIABLE_UNUSED' },
  ]);
});

t.test('names of declared variables begin with a root and reach no prototype', async (t) => {
  const problems = checkDeclarations([
    { name: 'data.a' },
    { name: 'data.a' },
    { name: 'data' },
    { name: 'window.alert' },
    { name: 'data.__proto__.polluted' },
    { name: 'data.constructor' },
    { name: 'data.b', fallback: 'x'.repeat(TEMPLATE_LIMITS.fallback + 1) },
    { name: 'data.c', example: 'x'.repeat(TEMPLATE_LIMITS.exampleBytes) },
  ]);
  t.same(codes(problems), [
    'VARIABLE_REPEATED',
    'VARIABLE_NAME_INVALID',
    'VARIABLE_ROOT_UNKNOWN',
    'VARIABLE_NAME_INVALID',
    'VARIABLE_NAME_INVALID',
    'FALLBACK_TOO_LONG',
    'EXAMPLE_TOO_LONG',
  ]);
  t.equal(problems[5]?.pointer, '/variables/6/fallback');
});

t.test('sizes count bytes of UTF-8', async (t) => {
  const draft = { subject: '', preheader: '', textSource: null };
  const source = '€'.repeat(TEMPLATE_LIMITS.sourceBytes / 3);
  t.same(checkSizes({ ...draft, source }), []);
  t.same(codes(checkSizes({ ...draft, source: `${source}€` })), ['SOURCE_TOO_LARGE']);
  t.same(codes(checkSizes({ ...draft, source: '', textSource: '😀'.repeat(65_537) })), ['SOURCE_TOO_LARGE']);
  t.same(codes(checkSizes({ ...draft, source: '', subject: 'x'.repeat(501) })), ['TEXT_TOO_LONG']);
});

t.test('M7 marketing has a way out, in a text of its own too', async (t) => {
  const marketing = { class: 'marketing' as const, textSource: null };
  t.same(codes(checkWayOut([], marketing)), ['UNSUBSCRIBE_LINK_MISSING']);
  t.same(checkWayOut([use('links.unsubscribe')], marketing), []);
  t.same(checkWayOut([use('links.preferences')], marketing), []);
  t.match(checkWayOut([use('links.unsubscribe')], { ...marketing, textSource: 'x' }), [
    { pointer: '/textSource' },
  ]);
  t.same(checkWayOut([], { class: 'transactional', textSource: null }), []);
});

t.test(
  'a mail looks for the customer’s language, its base, the store’s, its base, then English',
  async (t) => {
    t.same(localesFor('pt-BR', 'de-AT'), ['pt-BR', 'pt', 'de-AT', 'de', 'en']);
    t.same(localesFor(null, 'en'), ['en']);
    t.same(localesFor('de', 'de'), ['de', 'en']);
  },
);

t.test(
  'every known variable has an example of its own shape, and what is put is never written over',
  async (t) => {
    const variables = exampleVariables([
      { name: 'customer.firstName', example: 'Grace' },
      { name: 'data.x', example: 0 },
    ]);
    t.match(variables, { customer: { firstName: 'Grace', lastName: 'Lovelace' }, data: { x: 0 } });
    for (const name of Object.keys(KNOWN_VARIABLES)) t.equal(checkDeclarations([{ name }]).length, 0, name);
    const into = { a: 'text' };
    putIfMissing(into, 'a.b', 1);
    t.same(into, { a: 'text' });
    const at = new Date();
    t.same(mergeVariables({ a: { b: 1, c: at } }, { a: { b: 2 } }), { a: { b: 2, c: at } });
  },
);
