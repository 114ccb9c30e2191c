// Writes docs/errors.md from the table in src/errors.ts; with --check compares instead.
import { readFile, writeFile } from 'node:fs/promises';
import { ERRORS } from '../src/errors.ts';

const FILE = 'docs/errors.md';

const HEAD = `# Errors

Every answer other than success is a problem document (RFC 9457, \`application/problem+json\`) with a stable \`code\`.
\`GET /errors/{code}\` answers an entry of this table. Made from \`src/errors.ts\` by \`npm run error-docs\`.

| Status | Code | Meaning | What to do |
| --- | --- | --- | --- |
`;

const cell = (text: string): string => text.replaceAll('|', '\\|');

const rows = Object.entries(ERRORS).map(
  ([code, { status, title, detail }]) => `| ${status} | \`${code}\` | ${cell(title)} | ${cell(detail)} |`,
);
const text = `${HEAD}${rows.join('\n')}\n`;

if (!process.argv.includes('--check')) {
  await writeFile(FILE, text);
} else if ((await readFile(FILE, 'utf8').catch(() => '')) !== text) {
  process.stderr.write(`${FILE} is not what src/errors.ts says: run \`npm run error-docs\`.\n`);
  process.exitCode = 1;
}
