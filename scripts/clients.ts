// Makes clients of the API with the generators that people use, looks at their names, compiles them, and runs the main
// flow with each against a running service. `npm run clients -- python go` tries these only.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, checkNames } from './support/client-names.ts';
import {
  endInstances,
  FIRST_START_MS,
  launch,
  ready,
  tokenOf,
  urlOf,
  workshop,
} from './support/instances.ts';
import { generatorJar, hasTool, isUnreachable, run } from './support/programs.ts';
import { report, Skipped, step } from './support/steps.ts';

const PLACE = 'clients';
const GENERATED = join(PLACE, 'generated');
const FLOWS = join(GENERATED, 'dist/main-flow');

interface TypeScriptClient extends Client {
  /** Script of clients/package.json that makes it. */
  script: string;
  flow: string;
}

const DECLARED =
  /^export (?:declare )?(?:abstract )?(?:type|interface|const|class|(?:async )?function) (\w+)/gm;

const TYPESCRIPT: readonly TypeScriptClient[] = [
  {
    name: 'openapi-typescript',
    script: 'generate:openapi-typescript',
    flow: 'openapi-fetch',
    folder: join(GENERATED, 'openapi-typescript'),
    extension: '.ts',
    methods: /^ {4}(\w+): \{$/gm,
    types: /^ {8}([A-Z]\w+): /gm,
  },
  {
    name: 'hey-api',
    script: 'generate:hey-api',
    flow: 'hey-api',
    folder: join(GENERATED, 'hey-api'),
    extension: '.gen.ts',
    methods: DECLARED,
    types: DECLARED,
  },
  {
    name: 'orval',
    script: 'generate:orval',
    flow: 'orval',
    folder: join(GENERATED, 'orval'),
    extension: '.ts',
    methods: DECLARED,
    types: DECLARED,
  },
  {
    name: 'clients/typescript',
    script: 'build',
    flow: 'typescript',
    folder: join(PLACE, 'typescript/src'),
    extension: '.ts',
    methods: /^ {4}public (\w+)</gm,
    types: DECLARED,
  },
];

interface Language extends Client {
  /** Throws Skipped with what is missing here; returns the version that is there. */
  tool(): Promise<string>;
  compile(): Promise<void>;
  runFlow(env: Record<string, string>): Promise<unknown>;
}

const PYTHON = join(GENERATED, 'python-venv/bin/python');
const IMPORT_ALL = `
import importlib, pkgutil, clientele_client
for module in pkgutil.walk_packages(clientele_client.__path__, 'clientele_client.'):
    importlib.import_module(module.name)`;
const javaFolder = join(GENERATED, 'java');

const LANGUAGES: Readonly<Record<'python' | 'go' | 'java', Language>> = {
  python: {
    name: 'Python',
    folder: join(GENERATED, 'python/clientele_client'),
    extension: '.py',
    methods: /^ {4}def (\w+)\(/gm,
    types: /^class (\w+)/gm,
    tool: () => hasTool('python3', '--version'),
    async compile() {
      await run('python3', ['-m', 'venv', '--clear', join(GENERATED, 'python-venv')]).catch((error) => {
        throw new Skipped(`python3 cannot make a venv here: ${error.message}`);
      });
      const requirements = join(GENERATED, 'python/requirements.txt');
      await run(PYTHON, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]).catch((error) => {
        throw isUnreachable(error) ? new Skipped('its packages cannot be fetched here') : error;
      });
      await run(PYTHON, ['-c', IMPORT_ALL], { env: { PYTHONPATH: join(GENERATED, 'python') } });
    },
    runFlow: (env) =>
      run(PYTHON, [join(PLACE, 'main-flow/main_flow.py')], {
        env: { ...env, PYTHONPATH: join(GENERATED, 'python') },
      }),
  },
  go: {
    name: 'Go',
    folder: join(GENERATED, 'go'),
    extension: '.go',
    methods: /^func \(a \*\w+\) (\w+)\(/gm,
    types: /^type (\w+) /gm,
    tool: () => hasTool('go', 'version'),
    async compile() {
      await mkdir(join(GENERATED, 'go/flow'), { recursive: true });
      await copyFile(join(PLACE, 'main-flow/main_flow.go'), join(GENERATED, 'go/flow/main.go'));
      await run('go', ['build', '-o', 'main-flow', './flow'], {
        cwd: join(GENERATED, 'go'),
        env: { GOTOOLCHAIN: 'local' },
      });
    },
    runFlow: (env) => run(join(GENERATED, 'go/main-flow'), [], { env }),
  },
  java: {
    name: 'Java',
    folder: join(javaFolder, 'src/main/java/clientele'),
    extension: '.java',
    methods: /^ {2}public \S+ (\w+)\(/gm,
    types: /^public (?:abstract )?class (\w+)/gm,
    tool: () => hasTool('mvn', '--version'),
    async compile() {
      await copyFile(join(PLACE, 'main-flow/MainFlow.java'), join(javaFolder, 'src/main/java/MainFlow.java'));
      const goals = ['compile', 'dependency:copy-dependencies', '-DoutputDirectory=target/packages'];
      await run('mvn', ['--quiet', '--batch-mode', ...goals], { cwd: javaFolder }).catch((error) => {
        throw isUnreachable(error) ? new Skipped('its packages cannot be fetched here') : error;
      });
    },
    runFlow: (env) =>
      run('java', ['-cp', 'target/classes:target/packages/*', 'MainFlow'], { cwd: javaFolder, env }),
  },
};
type LanguageName = keyof typeof LANGUAGES;
const LANGUAGE_NAMES = Object.keys(LANGUAGES) as LanguageName[];

const script = (name: string) => run('npm', ['run', '--silent', name, '--prefix', PLACE]);

/** The examples of the README as one module, so that they are compiled with the rest. */
async function writeReadme(): Promise<void> {
  const text = await readFile(join(PLACE, 'typescript/README.md'), 'utf8');
  const lines = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.split('\n'));
  const isImport = (line: string) => line.startsWith('import ');
  const module = [
    ...lines.filter(isImport),
    'declare const session: { accessToken: string };',
    ...lines.filter((line) => !isImport(line)),
  ];
  await writeFile(join(GENERATED, 'readme.ts'), module.join('\n'));
}

async function tryTypeScript(env: Record<string, string>): Promise<void> {
  for (const client of TYPESCRIPT) {
    await step(`${client.name} makes a client`, async () => {
      await script(client.script);
      return checkNames(client);
    });
  }
  await step('the clients in TypeScript and the examples of the README compile, strictly', async () => {
    await writeReadme();
    await run('node', [join(PLACE, 'node_modules/typescript/bin/tsc'), '--project', PLACE]);
    return undefined;
  });
  for (const { name, flow } of TYPESCRIPT) {
    await step(`${name} runs the main flow`, async () => {
      await run('node', [join(FLOWS, `${flow}.js`)], { env });
      return undefined;
    });
  }
  await step('clients/typescript passes its tests', async () => {
    const said = await run(
      'node',
      ['--test', '--test-reporter=tap', join(GENERATED, 'dist/typescript/test/client.test.js')],
      { env },
    );
    return /^# pass \d+$/m.exec(said)?.[0].slice(2);
  });
}

/** Makes the clients of all languages at once, of those whose tools are here. */
async function generate(names: readonly LanguageName[]): Promise<LanguageName[]> {
  const made: LanguageName[] = [];
  for (const name of names) {
    const isHere = await step(
      `openapi-generator can make a client for ${LANGUAGES[name].name} here`,
      async () => {
        await hasTool('java', '-version');
        await generatorJar(GENERATED);
        return LANGUAGES[name].tool();
      },
    );
    if (isHere) made.push(name);
  }
  if (made.length === 0) return [];
  const isMade = await step(`openapi-generator makes clients for ${made.join(', ')}`, async () => {
    for (const name of made) await rm(join(GENERATED, name), { recursive: true, force: true });
    const settings = made.map((name) => `openapi-generator/${name}.yaml`);
    const jar = await generatorJar(GENERATED);
    await run('java', ['-Xmx1g', '-jar', jar, 'batch', '--fail-fast', ...settings], { cwd: PLACE });
    return undefined;
  });
  return isMade ? made : [];
}

async function tryLanguage(language: Language, env: Record<string, string>): Promise<void> {
  await step(`${language.name}: names`, () => checkNames(language));
  const compiles = await step(`${language.name} compiles`, async () => {
    await language.compile();
    return undefined;
  });
  if (!compiles) return;
  await step(`${language.name} runs the main flow`, async () => {
    await language.runFlow(env);
    return undefined;
  });
}

const KNOWN = ['typescript', ...LANGUAGE_NAMES];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !KNOWN.includes(name));
if (unknown.length > 0)
  throw new Error(`No client is called ${unknown.join(', ')}: there are ${KNOWN.join(', ')}.`);
const isWanted = (name: string): boolean => wanted.length === 0 || wanted.includes(name);

if (!existsSync(join(PLACE, 'node_modules'))) throw new Error('Run `npm ci --prefix clients` first.');

await mkdir(GENERATED, { recursive: true });
try {
  const service = await launch({ dataDir: join(workshop, 'service') });
  await ready(service, FIRST_START_MS);
  const env = { CLIENTELE_URL: urlOf(service), CLIENTELE_TOKEN: tokenOf(service) };
  if (isWanted('typescript')) await tryTypeScript(env);
  for (const name of await generate(LANGUAGE_NAMES.filter(isWanted))) await tryLanguage(LANGUAGES[name], env);
} finally {
  await endInstances();
}
report('clients');
