// Stable shares of all customers, for hold-outs and tests: whether somebody is in depends on id and salt alone.
import { createHash } from 'node:crypto';
import type { Literal } from './ast.ts';

/** Buckets that customers are spread over. */
export const SAMPLE_BUCKETS = 2 ** 32;

/**
 * The bucket of a customer: the first 32 bits of MD5 of `<salt>:<customer id>`, most significant byte first. MD5,
 * because Postgres has it too and nobody gains by choosing their bucket.
 */
export function sampleBucket(salt: string, customerId: string): number {
  return createHash('md5').update(`${salt}:${customerId}`).digest().readUInt32BE(0);
}

/** Buckets below this one are the share; undefined unless it is 0 to 100 with at most 2 decimals. */
export function sampleThreshold({ type, text }: Literal): number | undefined {
  if (type !== 'number' || !/^\d{1,3}(\.\d{1,2})?$/.test(text)) return undefined;
  const hundredths = Math.round(Number(text) * 100);
  return hundredths > 10_000 ? undefined : Math.floor((hundredths * SAMPLE_BUCKETS) / 10_000);
}
