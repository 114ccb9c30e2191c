// Prints the bill of materials (CycloneDX 1.5, JSON) of what is shipped: every package that the service runs with, with its
// version, licence and hash. `npm sbom --omit=dev` leaves out packages that any other package has for development, so the
// whole list is asked for, and what is for development only is taken out of it.
import { execFileSync } from 'node:child_process';

const bill = JSON.parse(
  execFileSync('npm', ['sbom', '--sbom-format=cyclonedx'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  }),
);
const isShipped = ({ properties = [] }) =>
  !properties.some(({ name, value }) => name === 'cdx:npm:package:development' && value === 'true');

const components = bill.components.filter(isShipped);
const refs = new Set([bill.metadata.component['bom-ref'], ...components.map((one) => one['bom-ref'])]);
const dependencies = bill.dependencies
  .filter(({ ref }) => refs.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }));
process.stdout.write(`${JSON.stringify({ ...bill, components, dependencies }, null, 2)}\n`);
