// A thread that compiles templates. It is its own because MJML is large, and is not needed to render mails.
import type { TemplateSource } from '../domain/mail/templates.ts';
import { type CompileOutcome, compileTemplate } from './template-compiler.ts';

/** Compiles one template; `progress[0]` says that it was begun. */
export default function compile({
  template,
  progress,
}: {
  template: TemplateSource;
  progress: Int32Array<SharedArrayBuffer>;
}): Promise<CompileOutcome> {
  Atomics.store(progress, 0, 1);
  return compileTemplate(template);
}
