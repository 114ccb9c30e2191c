// How the readers of both forms stop: at the first fault, which becomes the refusal.
import { cutText } from '../fields.ts';
import { type QueryProblem, type QueryRefusal, refuse } from './problems.ts';

/** Thrown inside a reader and never out of it: deep in a tree it is clearer than to hand a refusal up each level. */
export class QueryFault extends Error {
  readonly problem: QueryProblem;

  constructor(problem: QueryProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** The fault of a spelling, with its place. */
export function syntaxFault({ nearest, ...facts }: Omit<QueryProblem, 'code'>): QueryFault {
  return new QueryFault({ code: 'SEGMENT_SYNTAX', ...facts, ...(nearest && { nearest }) });
}

/** What `read` answers, or the refusal of the fault that it stopped at. */
export function untilFault<Result>(read: () => Result): Result | QueryRefusal {
  try {
    return read();
  } catch (error) {
    if (error instanceof QueryFault) return refuse([error.problem]);
    throw error;
  }
}

const LONGEST_SHOWN = 40;

/** Text of a caller inside a message: in one line, cut when it is long. */
export function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= LONGEST_SHOWN ? line : `${cutText(line, LONGEST_SHOWN)}…`;
}
