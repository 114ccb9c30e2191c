// Every room of the API: its prefix and the named schemas that it brings.
import type { FastifyInstance } from 'fastify';
import { Address, AddressCreate, AddressUpdate } from '../schemas/addresses.ts';
import { Customer, CustomerCreate, CustomerPage, CustomerUpdate } from '../schemas/customers.ts';
import { sharedSchemas } from '../schemas/helpers.ts';
import { ProblemDocument } from '../schemas/problems.ts';
import { customers } from './customers.ts';

const SCHEMAS: readonly object[] = [
  ...sharedSchemas,
  ProblemDocument,
  Address,
  AddressCreate,
  AddressUpdate,
  Customer,
  CustomerCreate,
  CustomerUpdate,
  CustomerPage,
];

const STAFF_ROOMS = [customers];

/** Adds all schemas and rooms to the app. */
export async function routes(app: FastifyInstance): Promise<void> {
  for (const room of STAFF_ROOMS) await app.register(room, { prefix: '/v1' });
}

/** Named schemas, to be added before any route. */
export function addSchemas(app: FastifyInstance): void {
  for (const schema of SCHEMAS) app.addSchema(schema);
}
