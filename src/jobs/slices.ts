// Which action does the work of which kind of job.
import type { Slices } from './runner.ts';

export const SLICES: Slices = {};
