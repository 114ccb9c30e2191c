// Renders every ready-made template with example data into a folder: `node dist/scripts/mail-gallery.js FOLDER`. Each as
// .html and .txt, once with a full customer and once with the barest one; index.html shows all at two widths.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRenderer } from '../src/clients/mail-renderer.ts';
import { COMPILED } from '../src/domain/mail/ready-made/compiled.ts';
import { READY_MADE, type ReadyMade } from '../src/domain/mail/ready-made/templates.ts';
import { exampleVariables, type Variables } from '../src/domain/mail/template-variables.ts';
import { READY_MADE_LOCALE } from '../src/domain/mail/templates.ts';
import { bareVariables } from './support/bare-variables.ts';

const folder = process.argv[2];
if (folder === undefined) {
  console.error('Name the folder to write to: node dist/scripts/mail-gallery.js FOLDER');
  process.exit(2);
}

const jobOf = ({ key, subject, variables: declared }: ReadyMade, variables: Variables) => ({
  template: {
    id: key,
    number: 1,
    subject,
    html: COMPILED[key]?.html ?? '',
    text: COMPILED[key]?.text ?? '',
    missing: 'fail' as const,
    variables: declared,
    locale: READY_MADE_LOCALE,
  },
  variables,
});

const renderer = createRenderer({ threads: 1 });
await mkdir(folder, { recursive: true });
const frames: string[] = [];
for (const template of READY_MADE) {
  const shown = { full: exampleVariables(template.variables), bare: bareVariables(template.variables) };
  for (const [kind, variables] of Object.entries(shown)) {
    const [outcome] = await renderer.renderMails([jobOf(template, variables)]);
    const name = `${template.key}-${kind}`;
    if (!outcome?.ok) throw new Error(`${name}: ${JSON.stringify(outcome)}`);
    await writeFile(join(folder, `${name}.html`), outcome.html);
    await writeFile(join(folder, `${name}.txt`), `Subject: ${outcome.subject}\n\n${outcome.text}`);
    frames.push(
      `<h2>${name}</h2><iframe src="${name}.html" width="375" height="800"></iframe> <iframe src="${name}.html" width="800" height="800"></iframe>`,
    );
  }
}
await writeFile(
  join(folder, 'index.html'),
  `<!doctype html><meta charset="utf-8"><title>Mails</title>${frames.join('\n')}`,
);
await renderer.close();
console.log(`${frames.length} mails in ${folder}`);
