// Days of 24 hours, as deadlines and windows count them. The days of a calendar, which begin at midnight of a zone, are in
// zoned-time.ts.

export const DAY_MS = 86_400_000;

export const daysAfter = (at: Date, days: number): Date => new Date(at.getTime() + days * DAY_MS);

export const daysBefore = (at: Date, days: number): Date => daysAfter(at, -days);
