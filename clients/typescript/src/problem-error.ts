// Refusals as exceptions. Whoever does not get an answer at all gets the error of `fetch` itself.
import type { Problem } from './generated/types.gen.js';

/** Every code that the service of this version knows; its table is docs/errors.md of the service. */
export type ErrorCode = Problem['code'];

const isProblem = (answer: unknown): answer is Problem =>
  typeof answer === 'object' && answer !== null && 'code' in answer && typeof answer.code === 'string';

/** What the service answered instead of a result (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** HTTP status. */
  readonly status: number;
  /** The problem document; undefined if something between here and the service answered. */
  readonly problem: Problem | undefined;
  readonly response: Response;

  constructor(answer: unknown, response: Response) {
    const problem = isProblem(answer) ? answer : undefined;
    super(
      problem
        ? `${problem.code}: ${problem.detail}`
        : `${response.url} answered ${response.status} ${response.statusText}`.trimEnd(),
    );
    this.status = response.status;
    this.problem = problem;
    this.response = response;
  }

  /** The stable code to branch on; a newer service can know codes that this version of the client does not. */
  get code(): ErrorCode | undefined {
    return this.problem?.code;
  }

  /** What is wrong with which part of the request, by JSON Pointer. */
  get errors(): NonNullable<Problem['errors']> {
    return this.problem?.errors ?? [];
  }

  /** Seconds to wait before the request is worth another try (429 and 503). */
  get retryAfterSeconds(): number | undefined {
    const seconds = this.response.headers.get('Retry-After');
    return seconds === null ? undefined : Number(seconds);
  }
}
