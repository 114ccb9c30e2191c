// A query in canonical text: upper-case keywords, single spaces, parentheses only where the tree needs them.
import {
  type Clause,
  isCall,
  isJunction,
  isMatch,
  isNegation,
  type Literal,
  MATCH_TEXTS,
  type Negation,
  OPERATORS,
  type Query,
} from './ast.ts';

/** `'it''s'`, `1000.00`, `-90d`. */
export function printLiteral({ type, text }: Literal): string {
  return type === 'string' ? `'${text.replaceAll("'", "''")}'` : text;
}

const list = (literals: readonly Literal[]): string => literals.map(printLiteral).join(', ');

function printClause({ attribute, op, values }: Clause): string {
  const { text, arity } = OPERATORS[op];
  switch (arity) {
    case 'none':
      return `${attribute} ${text}`;
    case 'one':
      return `${attribute} ${text} ${list(values)}`;
    case 'two':
      return `${attribute} ${text} ${values.map(printLiteral).join(' AND ')}`;
    case 'some':
      return `${attribute} ${text} (${list(values)})`;
  }
}

function printNegation({ of: [operand] }: Negation): string {
  const text = printQuery(operand);
  return isJunction(operand) || isNegation(operand) ? `NOT (${text})` : `NOT ${text}`;
}

/** The canonical text: `parseQuery` of it is the same query, and printing that the same text. */
export function printQuery(query: Query): string {
  if (isJunction(query)) {
    const texts = query.of.map((operand) =>
      query.op === 'and' && operand.op === 'or' ? `(${printQuery(operand)})` : printQuery(operand),
    );
    return texts.join(query.op === 'and' ? ' AND ' : ' OR ');
  }
  if (isNegation(query)) return printNegation(query);
  if (isCall(query)) return `${query.op}(${list(query.values)})`;
  if (isMatch(query)) {
    return `${query.attribute} ${MATCH_TEXTS[query.op]} (${query.where.map(printClause).join(', ')})`;
  }
  return printClause(query);
}
