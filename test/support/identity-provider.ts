// A real OpenID Connect provider on a loopback socket, a browser that logs people in there, and one that forges.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { type ClientMetadata, Provider } from 'oidc-provider';
import type { Test } from 'tap';

export const REDIRECT = 'https://shop.example.com/login/callback';
export const SHOP = 'https://shop.example.com';

/** What a person is at the provider; the subject is what they log in with there. */
export interface Person {
  email?: string;
  email_verified?: boolean;
  given_name?: string;
  family_name?: string;
  locale?: string;
}

export interface IdentityServer {
  issuer: string;
  people: Map<string, Person>;
  close(): Promise<void>;
  /** Goes to the address, logs in as the person, agrees, and resolves to what comes back to the shop. */
  visit(authorizationUrl: string, person: string): Promise<{ state: string; code: string; iss: string }>;
}

const listen = (server: Server): Promise<string> =>
  new Promise((done) => {
    server.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });

const close = (server: Server): Promise<void> =>
  new Promise((done) => {
    server.close(() => done());
    server.closeAllConnections();
  });

export const client = (name: string): ClientMetadata => ({
  client_id: name,
  client_secret: `secret-of-${name}`,
  redirect_uris: [REDIRECT],
});

/** The provider says this once on each start on older Node versions; it has nothing to do with the tests. */
function quietly<T>(work: () => T): T {
  const { warn, info } = console;
  Object.assign(console, { warn: () => {}, info: () => {} });
  try {
    return work();
  } finally {
    Object.assign(console, { warn, info });
  }
}

/** Cookies by name: the provider's paths never ask for two of one name. */
class Browser {
  private readonly cookies = new Map<string, string>();

  async open(url: string, form?: Record<string, string>): Promise<Response> {
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { body: new URLSearchParams(form) }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value) this.cookies.set(name, value);
      else this.cookies.delete(name);
    }
    return response;
  }
}

async function logInThere(authorizationUrl: string, person: string): Promise<URL> {
  const browser = new Browser();
  let url = authorizationUrl;
  let form: Record<string, string> | undefined;
  for (let step = 0; step < 12; step++) {
    const response = await browser.open(url, form);
    const location = response.headers.get('location');
    const page = await response.text();
    form = undefined;
    if (location) {
      url = new URL(location, url).href;
      if (url.startsWith(REDIRECT)) return new URL(url);
      continue;
    }
    if (!page.includes('name="prompt"')) throw new Error(`${response.status} ${url}: ${page.slice(0, 300)}`);
    form = page.includes('value="login"')
      ? { prompt: 'login', login: person, password: 'any' }
      : { prompt: 'consent' };
  }
  throw new Error('The log-in at the provider does not come to an end');
}

/** Starts a provider with clients `shop` and `other-shop`; it stops at the test's end. */
export async function startIdentityServer(t: Test): Promise<IdentityServer> {
  const people = new Map<string, Person>();
  let handle: (request: IncomingMessage, response: never) => void = () => {};
  const server = createServer((request, response) => handle(request, response as never));
  const issuer = await listen(server);
  const provider = quietly(
    () =>
      new Provider(issuer, {
        clients: [client('shop'), client('other-shop')],
        claims: {
          email: ['email', 'email_verified'],
          profile: ['given_name', 'family_name', 'locale'],
        },
        findAccount: (_context, sub) => ({
          accountId: sub,
          claims: () => ({ sub, ...people.get(sub) }),
        }),
        cookies: { keys: ['a key of the tests'] },
      }),
  );
  handle = provider.callback() as never;
  t.teardown(() => close(server));
  return {
    issuer,
    people,
    close: () => close(server),
    async visit(authorizationUrl, person) {
      const { searchParams } = await logInThere(authorizationUrl, person);
      const read = (name: string) => searchParams.get(name) ?? '';
      return { state: read('state'), code: read('code'), iss: read('iss') };
    },
  };
}

/** What a forged answer of the token endpoint says. */
export interface Forgery {
  claims: JWTPayload;
  /** `none`: unsigned. `stranger`: signed with a key that the provider does not publish. */
  signed?: 'well' | 'none' | 'stranger';
}

export interface ForgingServer {
  issuer: string;
  /** The next answer of the token endpoint, or its status. */
  next: Forgery | number;
  /** What the discovery document says besides or instead. */
  metadata: Record<string, unknown>;
  /** Whether the token endpoint never answers. */
  hangs: boolean;
  /** Requests that came in. */
  asked: string[];
  close(): Promise<void>;
}

/** A provider that answers whatever the test wants. */
export async function startForgingServer(t: Test): Promise<ForgingServer> {
  const [own, strange] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'own', alg: 'RS256', use: 'sig' };
  const token = ({ claims, signed = 'well' }: Forgery): Promise<string> | string => {
    if (signed === 'none') return new UnsecuredJWT(claims).encode();
    const { privateKey } = signed === 'well' ? own : strange;
    return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'own' }).sign(privateKey);
  };
  const forging: ForgingServer = {
    issuer: '',
    next: 500,
    metadata: {},
    hangs: false,
    asked: [],
    close: () => close(server),
  };
  const answerOf = async (path: string): Promise<[status: number, body: unknown]> => {
    const { issuer, next, metadata } = forging;
    if (path === '/jwks') return [200, { keys: [jwk] }];
    if (path === '/token') {
      if (typeof next === 'number') return [next, { error: 'server_error' }];
      const tokens = { access_token: 'access', token_type: 'Bearer', expires_in: 60 };
      return [200, { ...tokens, id_token: await token(next) }];
    }
    return [
      200,
      {
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        id_token_signing_alg_values_supported: ['RS256'],
        ...metadata,
      },
    ];
  };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    forging.asked.push(path);
    request.resume();
    if (forging.hangs && path === '/token') return;
    answerOf(path).then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  forging.issuer = await listen(server);
  t.teardown(() => close(server));
  return forging;
}
