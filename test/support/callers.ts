// Credentials of every kind, good and bad, for tests that ask as somebody else.
import { randomUUID } from 'node:crypto';
import { createSigner } from 'fast-jwt';
import { jwtSecret, STAFF_AUDIENCE } from '../../src/plugins/auth.ts';
import { type Shopper, shopper } from './accounts.ts';
import { TEST_CONFIG, type TestStore } from './harness.ts';

export interface Customer extends Shopper {
  token: string;
}

/** A customer with an account, and their token for the pages of the shop. */
export async function signedInCustomer(store: TestStore): Promise<Customer> {
  const customer = await shopper(store);
  const url = `/v1/customers/${customer.id}/storefront-tokens`;
  const { data } = await store.call('POST', url, {}, { 'idempotency-key': randomUUID() });
  return { ...customer, token: data.token };
}

/** The claims of a good staff token. */
export const staffClaims = (storeId: string, now = Math.floor(Date.now() / 1000)) => ({
  iss: TEST_CONFIG.JWT_ISSUER,
  aud: STAFF_AUDIENCE,
  sub: 'someone',
  store: storeId,
  scope: 'customers:read store:read',
  iat: now,
  exp: now + 600,
});

/** Signs claims with the service's own secret, whatever they are. */
export const signClaims = (claims: object): string =>
  createSigner({ key: jwtSecret(TEST_CONFIG), algorithm: 'HS256', noTimestamp: true })({ ...claims });
