// Holds every answer that a test gets against the OpenAPI document: its status, its code, its media type, its headers
// and its body. What is written there is what clients are generated from.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { documentOf, type OpenApiDocument, type Operation, operationsOf } from './openapi-operations.ts';

const DOCUMENT = 'document';
const PROBLEM = 'application/problem+json';

type Check = (method: string, url: string, answer: LightMyRequestResponse) => string[];

/** Makes the check of a document's answers; it lists what is wrong. */
export function createAnswerCheck(document: OpenApiDocument): Check {
  const find = createFinder(operationsOf(document));
  const validatorOf = createValidators(document);

  const listMistakes = (pointer: readonly string[], body: string): string[] => {
    const validate = validatorOf(pointer);
    return validate(JSON.parse(body))
      ? []
      : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  };

  const checkBody = (operation: Operation, answer: LightMyRequestResponse): string[] => {
    const { statusCode, body } = answer;
    const content = operation.responses[statusCode]?.content;
    if (content === undefined) return body === '' ? [] : [`a body with ${statusCode}`];
    const mediaType = mediaTypeOf(answer);
    const declared = content[mediaType];
    if (declared === undefined) return [`the media type ${mediaType || '(none)'}`];
    if (!/[/+]json$/.test(mediaType)) return [];
    const place = [
      'paths',
      operation.path,
      operation.method.toLowerCase(),
      'responses',
      `${statusCode}`,
      'content',
      mediaType,
      'schema',
    ];
    const mistakes = listMistakes(mediaType === PROBLEM ? PROBLEM_SCHEMA : place, body);
    return mediaType === PROBLEM
      ? [...mistakes, ...checkProblem(answer, Object.keys(declared.examples ?? {}))]
      : mistakes;
  };

  const checkAnswer = (operation: Operation, method: string, answer: LightMyRequestResponse): string[] => {
    const declared = operation.responses[answer.statusCode];
    if (declared === undefined) return [`the status ${answer.statusCode}`];
    const missing = Object.keys(declared.headers ?? {}).filter(
      (name) => answer.headers[name.toLowerCase()] === undefined,
    );
    return [
      ...missing.map((name) => `an answer without ${name}`),
      ...(method === 'HEAD' ? [] : checkBody(operation, answer)),
    ];
  };

  return (method, url, answer) => {
    const operation = isRouted(answer) ? find(method, url) : undefined;
    if (operation !== undefined)
      return checkAnswer(operation, method, answer).map((mistake) => `${operation.name}: ${mistake}`);
    return mediaTypeOf(answer) === PROBLEM ? listMistakes(PROBLEM_SCHEMA, answer.body) : [];
  };
}

const PROBLEM_SCHEMA = ['components', 'schemas', 'Problem'];

/** The router has the last word on which paths are an operation's: a line break ends those with an ending of their own. */
const isRouted = ({ statusCode, body }: LightMyRequestResponse): boolean =>
  statusCode !== 404 || !body.includes('"code":"ROUTE_NOT_FOUND"');

const mediaTypeOf = ({ headers }: LightMyRequestResponse): string =>
  String(headers['content-type'] ?? '').split(';')[0] ?? '';

function checkProblem({ body, statusCode }: LightMyRequestResponse, codes: readonly string[]): string[] {
  const { status, code } = JSON.parse(body);
  return [
    ...(status === statusCode ? [] : [`status ${status} in a problem with ${statusCode}`]),
    ...(codes.includes(code) ? [] : [`the code ${code}`]),
  ];
}

/** Finds the operation of a URL; a path in words goes before one with parameters. */
function createFinder(operations: readonly Operation[]) {
  const routes = operations
    .toSorted((left, right) => left.path.split('{').length - right.path.split('{').length)
    .map((operation) => ({ operation, pattern: patternOf(operation.path) }));
  return (method: string, url: string): Operation | undefined => {
    const [path = ''] = url.split('?');
    const asked = method === 'HEAD' ? 'GET' : method;
    return routes.find(({ operation, pattern }) => operation.method === asked && pattern.test(path))
      ?.operation;
  };
}

const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`);

/** Compiled at first use, so that a suite pays for the answers it gets alone. */
function createValidators(document: OpenApiDocument) {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false });
  addFormatsModule.default(ajv);
  ajv.addSchema(document, DOCUMENT);
  const made = new Map<string, ValidateFunction>();
  return (pointer: readonly string[]): ValidateFunction => {
    const $ref = `${DOCUMENT}#/${pointer.map(escapeStep).join('/')}`;
    const validate = made.get($ref) ?? ajv.compile({ $ref });
    made.set($ref, validate);
    return validate;
  };
}

const escapeStep = (step: string): string =>
  encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'));

let checkOfProcess: Check | undefined;

/** The documents of all apps of a process are the same, and made once. */
function checkOf(app: FastifyInstance): Check {
  checkOfProcess ??= createAnswerCheck(documentOf(app));
  return checkOfProcess;
}

/** From here on an answer of `inject` that the document does not declare is an error of the test that asked. */
export function checkAnswersOf(app: FastifyInstance): void {
  const inject = app.inject.bind(app);
  const checked = async (request: InjectOptions | string): Promise<LightMyRequestResponse> => {
    const answer = await inject(request);
    const { method = '', url = '' } = answer.raw.req;
    const mistakes = checkOf(app)(method, url, answer);
    if (mistakes.length > 0)
      throw new Error(`The document does not declare ${mistakes.join(', ')}\n${answer.body.slice(0, 1_000)}`);
    return answer;
  };
  Object.assign(app, { inject: checked });
}
