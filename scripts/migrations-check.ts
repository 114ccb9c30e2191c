// Fails when the tables in src/db/tables say something that no migration does: drizzle-kit would write a new file.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const FOLDER = 'migrations';

const copy = mkdtempSync(join(tmpdir(), 'clientele-migrations-'));
try {
  cpSync(FOLDER, copy, { recursive: true });
  const options = [
    '--dialect=postgresql',
    '--schema=./src/db/tables/index.ts',
    `--out=${relative('.', copy)}`,
    '--name=check',
  ];
  const output = execFileSync('npx', ['--no-install', 'drizzle-kit', 'generate', ...options], {
    encoding: 'utf8',
  });
  const known = new Set(readdirSync(FOLDER));
  const fresh = readdirSync(copy).filter((name) => !known.has(name));
  if (fresh.length > 0 || !output.includes('No schema changes')) {
    process.stderr.write(
      `The tables have changed without a migration: run \`npx drizzle-kit generate\`.\n${output}`,
    );
    process.exitCode = 1;
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
