// Runs the benches one after the other; each prints its own table. `npm run bench -- import orders` runs these two.
import { spawnSync } from 'node:child_process';

const ALL = [
  'idle',
  'get-customer',
  'customer-list',
  'import',
  'orders',
  'bulk-tag',
  'segments',
  'ledger',
  'campaigns',
  'login',
  'one-click',
];
const wanted = process.argv.slice(2);
const names = wanted.length > 0 ? wanted : ALL;
const unknown = names.filter((name) => !ALL.includes(name));
if (unknown.length > 0) {
  console.error(`No bench is called ${unknown.join(', ')}: there are ${ALL.join(', ')}.`);
  process.exit(2);
}
for (const name of names) {
  console.log(`\n## ${name}\n`);
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', `dist/bench/${name}.js`], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
