// Requests to a running API process, in the shape of the harness.
import type { Answer, TestStore } from './harness.ts';

/** What an answer has in common with one that was injected. */
export type RemoteAnswer = Pick<Answer, 'statusCode' | 'data' | 'body' | 'headers'>;

/** The store as staff reach it at this address. */
export const remote = (url: string, { token }: Pick<TestStore, 'token'>) => ({
  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<RemoteAnswer> {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const data = text.startsWith('{') ? JSON.parse(text) : undefined;
    return { statusCode: answer.status, data, body: text, headers: Object.fromEntries(answer.headers) };
  },
});
