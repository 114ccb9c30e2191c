// Writes what the ready-made templates compile to; with --check compares instead. A store is opened in the middle of a
// request: compiling all of them there would load MJML and take a second.
import { readFile, writeFile } from 'node:fs/promises';
import { compileTemplate } from '../src/clients/template-compiler.ts';
import { READY_MADE } from '../src/domain/mail/ready-made/templates.ts';
import { READY_MADE_LOCALE } from '../src/domain/mail/templates.ts';

const FILE = 'src/domain/mail/ready-made/compiled.ts';

const HEAD = `// Made from the templates beside it by \`npm run ready-made\`: Liquid in HTML and in plain text.
// biome-ignore-all lint: nobody writes this by hand.
// biome-ignore-all format: one line each.
export const COMPILED: Readonly<Record<string, { html: string; text: string }>> = {
`;

const lines: string[] = [];
for (const { key, subject, preheader, source } of READY_MADE) {
  const template = {
    format: 'mjml' as const,
    subject,
    preheader,
    source,
    textSource: null,
    locale: READY_MADE_LOCALE,
  };
  const compiled = await compileTemplate(template);
  if (!compiled.ok) throw new Error(`${key}: ${JSON.stringify(compiled.problems)}`);
  const { html, text } = compiled;
  lines.push(`  ${key}: ${JSON.stringify({ html, text })},\n`);
}
const text = `${HEAD}${lines.join('')}};\n`;

if (!process.argv.includes('--check')) {
  await writeFile(FILE, text);
} else if ((await readFile(FILE, 'utf8').catch(() => '')) !== text) {
  process.stderr.write(`${FILE} is not what its templates say: run \`npm run ready-made\`.\n`);
  process.exitCode = 1;
}
