// drizzle-kit writes the SQL of table changes; src/db/migrate.ts applies it.
import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/db/tables/index.ts',
  out: './migrations',
});
