// What orval's functions call instead of `fetch`: it knows the service and the credential, and throws what is refused.
import type { Problem } from '../generated/orval/clientele.js';
import { service } from './main-flow.js';

const { baseUrl, token } = service();

/** What the service refuses. */
export class Refusal extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
    this.problem = problem;
  }
}

/** `Answer` is what orval says of the operation: status, headers and body. */
export async function clienteleFetch<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const headers = new Headers(init.headers);
  headers.set('Authorization', `Bearer ${token}`);
  const response = await fetch(`${baseUrl}${path}`, { ...init, headers });
  const data = await response.json();
  if (!response.ok) throw new Refusal(data);
  return { status: response.status, headers: response.headers, data } as Answer;
}
