// Everything that must hold besides the tests: runs each `check:` script of package.json, shows what failed ones say.
// Nothing here asks the network.
import { exec } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Steps side by side; each is mostly one thread. */
const AT_ONCE = 2;

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
const steps = Object.keys(scripts).filter((name) => name.startsWith('check:'));
const env = {
  ...process.env,
  NO_COLOR: '1',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
  REDOCLY_TELEMETRY: 'off',
};

/** Resolves to what a failed step said; undefined when it passed. */
const run = (step) =>
  new Promise((resolve) => {
    exec(`npm run --silent ${step}`, { env, maxBuffer: 2 ** 28 }, (error, stdout, stderr) =>
      resolve(error ? `${stdout}${stderr}` : undefined),
    );
  });

let failed = 0;
async function work(waiting) {
  for (let step = waiting.shift(); step; step = waiting.shift()) {
    const said = await run(step);
    process.stdout.write(`${said === undefined ? 'ok' : 'not ok'} - ${step}\n`);
    if (said === undefined) continue;
    failed++;
    process.stdout.write(`${said}\n`);
  }
}

// What is compiled is what the other steps run.
const [types, others] = [['check:types'], steps.filter((step) => step !== 'check:types')];
await work(types);
await Promise.all(Array.from({ length: AT_ONCE }, () => work(others)));
process.stdout.write(`# check: ${steps.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
