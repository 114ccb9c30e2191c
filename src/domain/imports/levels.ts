// How bad a problem of an imported row is.
/** `error`: the row was not taken; `skipped`: on purpose; `warning`: it was taken, but not as it stands. */
export const PROBLEM_LEVELS = ['error', 'skipped', 'warning'] as const;
export type ProblemLevel = (typeof PROBLEM_LEVELS)[number];
