// The OpenAPI document without a database: the app is built on a pool that never connects.
import pg from 'pg';
import pino from 'pino';
import { buildApp } from './app.ts';
import { readConfig } from './config.ts';
import { downgrade } from './plugins/openapi-3.0.ts';
import { VERSION } from './server.ts';

/** 3.1 is what the service is made with; 3.0.3 is for generators that do not know 3.1. */
export const DOCUMENT_VERSIONS = ['3.1', '3.0'] as const;
export type DocumentVersion = (typeof DOCUMENT_VERSIONS)[number];

/** The document of this version of the service, the same on every machine. A slip in any schema stops it. */
export async function makeDocument(version: DocumentVersion): Promise<object> {
  const app = await buildApp({
    // The settings are the defaults; only the secret is asked for, and nothing is signed with it.
    config: { ...readConfig({}), APP_SECRET: 'nothing is signed while the document is made' },
    pool: new pg.Pool({ host: '127.0.0.1', port: 1 }),
    version: VERSION,
    logger: pino({ level: 'silent' }),
    compileEarly: true,
  });
  try {
    await app.ready();
    return version === '3.1' ? app.swagger() : downgrade(app.swagger());
  } finally {
    await app.close();
  }
}
