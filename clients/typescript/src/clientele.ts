// A client for one credential: where the service is, who calls, and refusals as exceptions.
import { createClient } from './generated/client/index.js';
import { Clientele } from './generated/sdk.gen.js';
import { ProblemError } from './problem-error.js';

export type { Clientele };

export interface ClienteleOptions {
  /** Where the service is, like `https://crm.example.com`: without `/v1`. */
  baseUrl: string;
  /**
   * What is sent as `Authorization: Bearer`: a staff token, a secret API key (`ck_…`), the publishable key (`pk_…`) or the
   * token of a shopper. A function is asked before each request, for tokens that are renewed.
   */
  token: string | (() => string | Promise<string>);
  /** Sends the requests; default the `fetch` of the platform. */
  fetch?: typeof fetch;
}

/** A client with one method for each operation; one that is refused throws a ProblemError. */
export function createClientele({ baseUrl, token, fetch }: ClienteleOptions): Clientele {
  const client = createClient({
    baseUrl,
    auth: typeof token === 'string' ? token : () => token(),
    throwOnError: true,
    ...(fetch && { fetch }),
  });
  client.interceptors.error.use((error, response: Response | undefined) =>
    response === undefined ? error : new ProblemError(error, response),
  );
  return new Clientele({ client });
}
