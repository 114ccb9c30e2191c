// Throttles: how long whoever failed too often has to wait. Nobody is locked out for good.
import { DAY_MS } from '../days.ts';

/** After `free` attempts each further one makes the wait twice as long, from `firstSeconds` to `longestSeconds`. */
export interface Throttle {
  free: number;
  firstSeconds: number;
  longestSeconds: number;
}

export const THROTTLES = {
  /** Failed log-ins to one account: at the longest wait some hundred guesses a day (NIST SP 800-63B, 3.2.2). */
  account: { free: 5, firstSeconds: 1, longestSeconds: 900 },
  /** Failed log-ins from one network: many people may share one. */
  network: { free: 100, firstSeconds: 1, longestSeconds: 900 },
  /** Mails that strangers can have sent to one address. */
  mail: { free: 3, firstSeconds: 300, longestSeconds: 21_600 },
} as const satisfies Record<string, Throttle>;
export type ThrottleKind = keyof typeof THROTTLES;

/** Attempts are counted for so long; then counting begins anew. */
export const COUNTED_MS = DAY_MS;

/**
 * What is throttled as one network: an IPv4 address, or the /64 of an IPv6 address, of which one household has 2^64.
 */
export function networkOf(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped) return mapped[1] as string;
  if (!ip.includes(':')) return ip;
  const [head = '', tail] = (ip.split('%')[0] as string).split('::');
  const groups = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - groups.length - last.length) }, () => '0');
  return [...groups, ...zeros, ...last]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
