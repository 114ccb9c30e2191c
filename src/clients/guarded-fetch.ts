// HTTP to addresses that others have named: public ones only, every resolved address looked at, no redirects, caps on
// size and time. Written on node:https, for the built-in fetch cannot be told which addresses it may connect to.
import { lookup as resolve } from 'node:dns';
import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { inSpan } from '../tracing.ts';

/** The address may not be asked. */
export class AddressRefused extends Error {
  override name = 'AddressRefused';
}

const notPublic = new BlockList();
// IANA's special-purpose registry of IPv4.
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  notPublic.addSubnet(network, prefix, 'ipv4');
// Within 2000::/3, the one block of IPv6 that is routed: protocol assignments, documentation, 6to4.
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  notPublic.addSubnet(network, prefix, 'ipv6');
const routed = new BlockList();
routed.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !notPublic.check(address, 'ipv4');
  return isIP(address) === 6 && routed.check(address, 'ipv6') && !notPublic.check(address, 'ipv6');
}

/** The connection goes to the very addresses that were looked at: a name cannot mean another one a moment later. */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, []);
    if (addresses.length === 0 || !addresses.every(({ address }) => isPublicAddress(address)))
      return callback(new AddressRefused(`${hostname} is no public address`), []);
    if (options.all) return callback(null, addresses);
    const [first] = addresses;
    callback(null, first?.address ?? '', first?.family);
  });
};

export interface GuardedFetchOptions {
  /** Whether `http://127.0.0.1` may be asked: never in production. */
  allowLoopback: boolean;
  maxBytes: number;
  timeoutMs: number;
}

interface GuardedRequest {
  method?: string | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** The one address without TLS: a development set-up's own machine. */
export const isLoopback = ({ protocol, hostname }: URL): boolean =>
  protocol === 'http:' && hostname === '127.0.0.1';

/** A name of one label is one of the local network; others are looked up when they are asked. */
const mayBePublic = (host: string): boolean =>
  isIP(host) === 0 ? host.includes('.') : isPublicAddress(host);

/** Whether the address may be asked at all; what its name stands for is looked at with each connection. */
export function mayAsk(url: URL, { allowLoopback }: { allowLoopback: boolean }): boolean {
  if (allowLoopback && isLoopback(url)) return true;
  return url.protocol === 'https:' && mayBePublic(url.hostname.replace(/^\[|\]$/g, ''));
}

async function readBody(message: IncomingMessage, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const headersOf = (message: IncomingMessage): Headers => {
  const headers = new Headers();
  for (const [name, values] of Object.entries(message.headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  return headers;
};

/** Statuses whose `Response` may have no body (Fetch, 2.2.3). */
const BODILESS = new Set([101, 103, 204, 205, 304]);

const send = (url: URL, options: RequestOptions, body: string | undefined): Promise<IncomingMessage> =>
  new Promise((done, fail) => {
    const request = (url.protocol === 'https:' ? tlsRequest : plainRequest)(url, options, done);
    request.on('error', fail);
    request.end(body);
  });

/** The host says who was asked; the path may carry what is nobody's business. */
const spanOf = (url: URL, method: string) =>
  ({
    kind: 'client',
    attributes: { 'http.request.method': method, 'server.address': url.hostname },
  }) as const;

/**
 * The part of `fetch` that clients of JSON over HTTPS need; redirects are answers like any other.
 * @throws AddressRefused, and what node:https throws
 */
export function createGuardedFetch(settings: GuardedFetchOptions) {
  return async (address: string, { method = 'GET', headers, body, signal }: GuardedRequest = {}) => {
    const url = new URL(address);
    if (!mayAsk(url, settings)) throw new AddressRefused(`${url.origin} is not asked`);
    const limit = AbortSignal.timeout(settings.timeoutMs);
    const options = {
      ...(!isLoopback(url) && { lookup: lookupPublic }),
      method,
      headers: { ...headers, 'accept-encoding': 'identity' },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      agent: false,
    };
    const content = body === undefined || body === null ? undefined : String(body);
    const message = await inSpan(`fetch ${method}`, spanOf(url, method), () => send(url, options, content));
    const bytes = await readBody(message, settings.maxBytes);
    const status = message.statusCode ?? 502;
    return new Response(BODILESS.has(status) ? null : bytes, { status, headers: headersOf(message) });
  };
}
