// Runs the benches one after the other; each prints its own table. `npm run bench -- import orders` runs these two.
import { spawnSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';

const ALL = [
  'idle',
  'get-customer',
  'login',
  'one-click',
  'send',
  'ledger',
  'bulk-tag',
  'orders',
  'campaigns',
  'customer-list',
  'import',
  'segments',
];
const wanted = process.argv.slice(2);
const names = wanted.length > 0 ? wanted : ALL;
const unknown = names.filter((name) => !ALL.includes(name));
if (unknown.length > 0) {
  console.error(`No bench is called ${unknown.join(', ')}: there are ${ALL.join(', ')}.`);
  process.exit(2);
}
const [{ model }] = cpus();
const gigabytes = Math.round(totalmem() / 2 ** 30);
console.log(
  `${cpus().length} × ${model}, ${gigabytes} GB, Node ${process.version}, ${process.platform} ${process.arch}`,
);
for (const name of names) {
  const began = Date.now();
  console.log(`\n## ${name}\n\nLoad average before: ${loadavg()[0].toFixed(1)}\n`);
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', `dist/bench/${name}.js`], {
    stdio: 'inherit',
  });
  console.log(`\n${Math.round((Date.now() - began) / 1000)} s`);
  if (status !== 0) process.exitCode = 1;
}
