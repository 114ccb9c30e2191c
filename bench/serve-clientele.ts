// The service in a process of its own, for benches: `node serve-clientele.js DATABASE_URL ROLE`.
import { readConfig } from '../src/config.ts';
import { startService } from '../src/server.ts';
import { serve } from './world.ts';

const [databaseUrl, role] = process.argv.slice(2);
const service = await startService(
  readConfig({
    ...process.env,
    DATABASE_URL: databaseUrl,
    ROLE: role,
    PORT: '0',
    LOG_LEVEL: 'warn',
    RATE_LIMIT_PER_MINUTE: '2000000000',
  }),
);
serve({ url: service.url ?? '', token: service.token ?? '', storeId: service.storeId ?? '' }, () =>
  service.stop(),
);
