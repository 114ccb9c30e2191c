// SQL statements as spans: the name of a prepared statement or the first word of another one, never its text or parameters.
import type pg from 'pg';
import { isTracing, openSpan } from '../tracing.ts';

/** What `query` of pg takes first: a text, or an object with one and perhaps a name. */
interface NamedText {
  name?: string | undefined;
  text?: string | undefined;
}

function nameOf(query: unknown): string {
  const { name, text = '' } = typeof query === 'string' ? { text: query } : (Object(query) as NamedText);
  return name ?? /^\s*(\w+)/.exec(text)?.[1]?.toLowerCase() ?? 'statement';
}

type Query = (...parameters: unknown[]) => unknown;
type Callback = (error: unknown, result: unknown) => void;

const isPromise = (value: unknown): value is Promise<unknown> => value instanceof Promise;

/** `query` in a span, whichever way its end is told: by callback, by promise, or, for streams of COPY, not at all. */
function spanned(query: Query): Query {
  return (...parameters) => {
    const name = nameOf(parameters[0]);
    const span = openSpan(`sql ${name}`, {
      kind: 'client',
      attributes: { 'db.system.name': 'postgresql', 'db.operation.name': name },
    });
    if (!span) return query(...parameters);
    const ended = (error: unknown) => {
      if (error) span.fail(error);
      span.end();
    };
    const last = parameters.at(-1);
    if (typeof last === 'function') {
      const told: Callback = (error, result) => {
        ended(error);
        (last as Callback)(error, result);
      };
      return query(...parameters.slice(0, -1), told);
    }
    const result = query(...parameters);
    if (isPromise(result)) result.then(() => ended(undefined), ended);
    else span.end();
    return result;
  };
}

/** Lets every new connection of the pool tell its statements; nothing is touched while nothing is traced. */
export function traceStatements(pool: pg.Pool): void {
  if (!isTracing()) return;
  pool.on('connect', (client) => {
    const query: Query = client.query.bind(client);
    Object.assign(client, { query: spanned(query) });
  });
}
