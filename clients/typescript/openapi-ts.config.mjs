// What the generated half of the client looks like: one class with a method for each operation, no runtime package.
import { fileURLToPath } from 'node:url';

const place = (path) => fileURLToPath(new URL(path, import.meta.url));

export default {
  input: place('../../openapi/clientele.json'),
  output: { path: place('src/generated'), clean: true, tsConfigPath: place('tsconfig.json') },
  logs: { file: false, level: 'warn' },
  plugins: [
    '@hey-api/typescript',
    { name: '@hey-api/client-fetch', throwOnError: true },
    { name: '@hey-api/sdk', operations: { strategy: 'single', containerName: 'Clientele' } },
  ],
};
