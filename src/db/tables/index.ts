// Every table, for drizzle-kit and the catalogue test.
export * from './addresses.ts';
export * from './api-keys.ts';
export * from './customer-tags.ts';
export * from './customers.ts';
export * from './events.ts';
export * from './group-members.ts';
export * from './groups.ts';
export * from './idempotency-keys.ts';
export * from './jobs.ts';
export * from './ledger.ts';
export * from './notes.ts';
export * from './orders.ts';
export * from './sales-agents.ts';
export * from './segments.ts';
export * from './stores.ts';
export * from './tags.ts';
export * from './tasks.ts';
