// API keys: how their text is kept.
import { createHash } from 'node:crypto';

/** SHA-256 is enough for 256 random bits; slow hashes are for passwords. */
export const hashKey = (text: string): Buffer => createHash('sha256').update(text).digest();
