// mjml 5 has no types of its own; this is what we use of it.
declare module 'mjml' {
  interface MjmlOptions {
    validationLevel: 'strict' | 'soft' | 'skip';
    keepComments: boolean;
    ignoreIncludes: boolean;
    /** Web fonts that the document may load, by name. */
    fonts: Record<string, string>;
  }

  /** Throws an Error with `errors: { line, message, tagName }[]` for what is no valid MJML. */
  export default function mjml2html(source: string, options: MjmlOptions): Promise<{ html: string }>;
}
