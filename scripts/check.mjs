// Everything that must hold besides the tests: runs each `check:` script of package.json, shows what failed ones say.
// Nothing here asks the network.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
const steps = Object.keys(scripts).filter((name) => name.startsWith('check:'));
const env = {
  ...process.env,
  NO_COLOR: '1',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
  REDOCLY_TELEMETRY: 'off',
};

let failed = 0;
for (const step of steps) {
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', step], {
    env,
    shell: process.platform === 'win32',
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  process.stdout.write(`${status === 0 ? 'ok' : 'not ok'} - ${step}\n`);
  if (status === 0) continue;
  failed++;
  process.stdout.write(`${stdout}${stderr}\n`);
}
process.stdout.write(`# check: ${steps.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
