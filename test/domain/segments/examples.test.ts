// What the reference shows works: examples of the registry and of the pages, as they stand there.
import t from 'tap';
import { NODE_EXAMPLES } from '../../../scripts/support/segment-examples.ts';
import { NODE_OPERATORS, nodesOf } from '../../../src/domain/segments/ast.ts';
import { bind } from '../../../src/domain/segments/bind.ts';
import { ATTRIBUTES, operatorsOf } from '../../../src/domain/segments/fields.ts';
import { fromJson, toJson } from '../../../src/domain/segments/json.ts';
import { printQuery } from '../../../src/domain/segments/print.ts';
import { isRefusal } from '../../../src/domain/segments/problems.ts';
import {
  DOCUMENTED_CATALOGUE,
  DOCUMENTED_PRESETS,
  DOCUMENTED_QUERIES,
  queriesOn,
} from '../../support/documented-segments.ts';
import { bindEnv, parsed, savedSegments } from '../../support/segment-binding.ts';

const env = bindEnv({
  catalogue: DOCUMENTED_CATALOGUE,
  segments: savedSegments(Object.fromEntries(DOCUMENTED_PRESETS.map(({ slug, query }) => [slug, query]))),
});

t.test('every documented query is canonical text and means something', async (t) => {
  t.ok(DOCUMENTED_QUERIES.length > 60, 'examples are found');
  for (const text of DOCUMENTED_QUERIES) {
    const query = parsed(text);
    t.equal(printQuery(query), text);
    const bound = bind(query, env);
    t.notOk(isRefusal(bound), `${text} ${isRefusal(bound) ? bound.problems[0]?.message : 'is bound'}`);
  }
});

t.test('every documented query is the same in its JSON form', async (t) => {
  for (const text of DOCUMENTED_QUERIES) {
    const again = fromJson(JSON.parse(JSON.stringify(toJson(parsed(text)))), DOCUMENTED_CATALOGUE);
    t.equal(isRefusal(again) ? again.problems[0]?.message : printQuery(again.query), text);
  }
});

t.test('the example of an operator has the operator in it', async (t) => {
  for (const op of NODE_OPERATORS) {
    const { query } = NODE_EXAMPLES[op];
    t.ok(
      nodesOf(parsed(query)).some((node) => node.op === op),
      `${op}: ${query}`,
    );
  }
});

t.test('the example of an attribute asks for it, by an operator that it takes', async (t) => {
  for (const attribute of ATTRIBUTES) {
    const query = parsed(attribute.example);
    const allowed: readonly string[] =
      attribute.kind === 'rows' ? ['matches', 'not_matches'] : operatorsOf(attribute);
    t.ok('attribute' in query && query.attribute === attribute.name && allowed.includes(query.op));
  }
});

t.test('the page for Shopify users translates ten segments', async (t) => {
  t.equal(queriesOn('segments-for-shopify-users.md').length, 10);
});
