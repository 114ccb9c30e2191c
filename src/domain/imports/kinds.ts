// What the rows of an imported file can be.
export const IMPORT_KINDS = ['customers', 'addresses', 'orders'] as const;
export type ImportKind = (typeof IMPORT_KINDS)[number];
