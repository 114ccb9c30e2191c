// Templates: what a template declares, and what it may use.

export const TEMPLATE_FORMATS = ['mjml', 'html'] as const;
export type TemplateFormat = (typeof TEMPLATE_FORMATS)[number];

/** What a variable without a value does to a mail: it fails, or the place stays blank. */
export const MISSING_POLICIES = ['fail', 'blank'] as const;
export type MissingPolicy = (typeof MISSING_POLICIES)[number];

/** A variable that the template uses, such as `customer.firstName` or `order.number`. */
export interface TemplateVariable {
  name: string;
  description?: string;
  /** Used where the value is missing. */
  fallback?: string;
  /** Shown in previews without a customer. */
  example?: unknown;
}
