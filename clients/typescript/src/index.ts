// The client of the Clientele API: methods and types come from the document; what is written by hand is small.
export { type Clientele, type ClienteleOptions, createClientele } from './clientele.js';
export type * from './generated/types.gen.js';
export { each, type PageOf, type PageQuery } from './pages.js';
export { type ErrorCode, ProblemError } from './problem-error.js';
