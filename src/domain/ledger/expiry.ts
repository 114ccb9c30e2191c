// Booking what has expired (L5). Time has decided already: nothing here changes what anybody can spend.
import { type AccountState, freeLots, hasExpired } from './accounts.ts';

export interface ExpiredLot {
  lotId: string;
  amount: number;
  /** When it stopped counting: the booking is effective from then. */
  expiredAt: Date;
}

/** What has expired and nobody holds, soonest first. Once it is booked nothing remains, so nothing is booked twice. */
export function planExpiry(state: AccountState, at: Date): ExpiredLot[] {
  return freeLots(state, at)
    .flatMap(({ id, remaining, expiresAt }) =>
      expiresAt !== null && hasExpired({ expiresAt }, at)
        ? [{ lotId: id, amount: remaining, expiredAt: expiresAt }]
        : [],
    )
    .sort((one, other) => one.expiredAt.getTime() - other.expiredAt.getTime());
}
