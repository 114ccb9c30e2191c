// Import of customers (CSV) through the API and a worker, against COPY of the rows that came out of it into the same
// tables with all their indexes; then the same file again. Usage: node import.js [rows], 1,000,000 unless told.
// Bars: ≥ 0.5 × COPY, re-import ≥ 0.25 × COPY, peak memory of the process < 400 MB.

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { uploadImport } from '../src/clients/import-upload.ts';
import { launch, openWorld, say } from './world.ts';

const rows = Number(process.argv[2] ?? 1_000_000);
/** Tables that an import of customers fills, in the order of their foreign keys. */
const TABLES = ['customers', 'addresses', 'customer_tags', 'events'];
const CITIES = [
  'Berlin,10117,DE',
  'Hamburg,20095,DE',
  'Wien,1010,AT',
  'Paris,75001,FR',
  'Lyon,69001,FR',
  'London,SW1A 1AA,GB',
];

/** The n-th row: names, phone, address and up to three of 50 tags. */
function line(n: number): string {
  const tags = Array.from({ length: n % 4 }, (_, index) => `tag ${(n * 7 + index * 13) % 50}`).join(', ');
  const phone = `+4930${String(10_000_000 + n).slice(0, 8)}`;
  return `customer${n}@example.com,First${n % 997},Last${n % 8191},${phone},"${tags}",Street ${n % 300},${CITIES[n % CITIES.length]}\n`;
}

async function writeFile(path: string): Promise<void> {
  const file = createWriteStream(path);
  file.write('email,first_name,last_name,phone,tags,address1,city,postcode,country\n');
  for (let n = 0; n < rows; n++) if (!file.write(line(n))) await once(file, 'drain');
  file.end();
  await once(file, 'finish');
}

async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; result: T }> {
  const began = performance.now();
  const result = await work();
  return { seconds: (performance.now() - began) / 1000, result };
}

/** COPY of all rows of the tables from one database into an equal, empty one; only the loading is timed. */
async function copySeconds(fromUrl: string, toUrl: string, dataDir: string): Promise<number> {
  const [source, target] = [
    new pg.Client({ connectionString: fromUrl }),
    new pg.Client({ connectionString: toUrl }),
  ];
  await Promise.all([source.connect(), target.connect()]);
  const move = async (table: string) => {
    const path = join(dataDir, `${table}.copy`);
    await pipeline(source.query(copyTo(`copy ${table} to stdout`)), createWriteStream(path));
    return timed(async () => {
      const { createReadStream } = await import('node:fs');
      await pipeline(
        createReadStream(path),
        new PassThrough(),
        target.query(copyFrom(`copy ${table} from stdin`)),
      );
    });
  };
  for (const table of ['stores', 'tags']) await move(table);
  let seconds = 0;
  for (const table of TABLES) seconds += (await move(table)).seconds;
  await Promise.all([source.end(), target.end()]);
  return seconds;
}

const world = await openWorld();
const service = await launch(new URL('./serve-clientele.js', import.meta.url), [world.url, 'all'], {
  DATA_DIR: world.dataDir,
});
try {
  const file = join(world.dataDir, 'customers.csv');
  await writeFile(file);
  const upload = { url: service.url, token: service.token, file, query: { kind: 'customers' } };
  const first = await timed(() => uploadImport(upload));
  say(`imported: ${JSON.stringify(first.result.outcomes)}`);
  const copied = await copySeconds(world.url, await world.database('copied'), world.dataDir);
  const again = await timed(() => uploadImport(upload));
  say(`imported again: ${JSON.stringify(again.result.outcomes)}`);
  const speed = (seconds: number) =>
    `${Math.round(rows / seconds).toLocaleString('en')} rows/s (${seconds.toFixed(0)} s)`;
  say(`\n| ${rows.toLocaleString('en')} customers | speed | ratio to COPY |\n| --- | --- | --- |`);
  say(`| COPY into the same tables | ${speed(copied)} | 1 |`);
  say(`| import | ${speed(first.seconds)} | ${(copied / first.seconds).toFixed(2)} (bar ≥ 0.5) |`);
  say(
    `| the same file again | ${speed(again.seconds)} | ${(copied / again.seconds).toFixed(2)} (bar ≥ 0.25) |`,
  );
  say(`| peak memory of API + worker | ${(await service.peakMegabytes()).toFixed(0)} MB | bar < 400 MB |`);
} finally {
  await service.stop();
  await world.close();
}
