// Custom fields: what a store declares about its customers and whether given values fit.
import { type FieldProblem, isCalendarDate, lengthOf, readText } from './fields.ts';
import { jsonPointer } from './json-pointer.ts';

export const CUSTOM_FIELD_TYPES = ['string', 'number', 'boolean', 'date', 'enum'] as const;
export type CustomFieldType = (typeof CUSTOM_FIELD_TYPES)[number];

export const MAX_CUSTOM_FIELDS = 50;
export const MAX_CUSTOM_OPTIONS = 200;
export const MAX_CUSTOM_TEXT_LENGTH = 1_000;
/** Segments name a field as `custom.<key>`, so a key is a word of that language. */
export const CUSTOM_KEY_PATTERN = '^[a-z][a-z0-9_]{0,62}$';

export type CustomFieldDeclaration = {
  key: string;
  label: string;
  type: CustomFieldType;
  /** The allowed values of an enum; no other type has any. */
  options?: readonly string[];
  required?: boolean;
};
export type CustomValue = string | number | boolean;
export type CustomValues = Readonly<Record<string, CustomValue>>;

const CUSTOM_KEY = new RegExp(CUSTOM_KEY_PATTERN);
const EXPECTED: Readonly<Record<CustomFieldType, string>> = {
  string: `text of at most ${MAX_CUSTOM_TEXT_LENGTH} characters`,
  number: 'a finite number',
  boolean: 'true or false',
  date: 'a calendar date, YYYY-MM-DD',
  enum: 'one of the declared options',
};

/** Problems of a store's declarations, pointers from the list; [] = fine. */
export function checkDeclarations(declarations: readonly CustomFieldDeclaration[]): FieldProblem[] {
  const problems = declarations.flatMap((declaration, index) => declarationProblems(declaration, index));
  if (declarations.length > MAX_CUSTOM_FIELDS) {
    problems.push(
      problem('', 'CUSTOM_FIELDS_LIMIT', `A store has at most ${MAX_CUSTOM_FIELDS} custom fields.`),
    );
  }
  const keys = declarations.map((declaration) => declaration.key);
  keys.forEach((key, index) => {
    if (keys.indexOf(key) < index) {
      problems.push(
        problem(jsonPointer([index, 'key']), 'CUSTOM_FIELD_TWICE', `The key ${key} is declared twice.`),
      );
    }
  });
  return problems;
}

/**
 * Problems of the values given for a customer, pointers from the `custom` object; [] = fine. null clears.
 * `create` wants every required field; `update` is a merge-patch: only clearing a required field is wrong.
 */
export function checkCustom(
  declarations: readonly CustomFieldDeclaration[],
  values: Readonly<Record<string, unknown>>,
  mode: 'create' | 'update',
): FieldProblem[] {
  const declared = new Map(declarations.map((declaration) => [declaration.key, declaration]));
  const given = new Map(Object.entries(values));
  const wrong = [...given].flatMap(([key, value]) => valueProblems(declared.get(key), key, value));
  const missing = declarations.filter(
    ({ key, required }) => required === true && isMissing(given, key, mode),
  );
  return [
    ...wrong,
    ...missing.map(({ key, label }) =>
      problem(jsonPointer([key]), 'CUSTOM_FIELD_REQUIRED', `${label} (${key}) is required.`),
    ),
  ];
}

/** The stored object after a merge-patch that `checkCustom` found no fault with: null clears, absent keeps. */
export function applyCustom(
  current: CustomValues,
  patch: Readonly<Record<string, CustomValue | null>>,
): Record<string, CustomValue> {
  const values = new Map(Object.entries(current));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) values.delete(key);
    else values.set(key, value);
  }
  return Object.fromEntries(values);
}

function declarationProblems(declaration: CustomFieldDeclaration, index: number): FieldProblem[] {
  const { key, label, type, options } = declaration;
  const problems: FieldProblem[] = [];
  if (!CUSTOM_KEY.test(key)) {
    const message = `A key is a lower-case letter, then letters, digits or _, at most 63: ${CUSTOM_KEY_PATTERN}`;
    problems.push(problem(jsonPointer([index, 'key']), 'CUSTOM_KEY_INVALID', message));
  }
  if (readText(label) === undefined) {
    problems.push(
      problem(jsonPointer([index, 'label']), 'CUSTOM_LABEL_INVALID', 'A label has 1 to 255 characters.'),
    );
  }
  if (!optionsFit(type, options)) {
    const message = `An enum has 1 to ${MAX_CUSTOM_OPTIONS} different options, every other type has none.`;
    problems.push(problem(jsonPointer([index, 'options']), 'CUSTOM_OPTIONS_INVALID', message));
  }
  return problems;
}

/** Options differ without regard to case: segments compare them so. */
function optionsFit(type: CustomFieldType, options: readonly string[] | undefined): boolean {
  if (type !== 'enum') return options === undefined || options.length === 0;
  if (options === undefined || options.length === 0 || options.length > MAX_CUSTOM_OPTIONS) return false;
  const unique = new Set(options.map((option) => option.toLowerCase()));
  return unique.size === options.length && options.every((option) => readText(option) === option);
}

function valueProblems(
  declaration: CustomFieldDeclaration | undefined,
  key: string,
  value: unknown,
): FieldProblem[] {
  const pointer = jsonPointer([key]);
  if (declaration === undefined) {
    return [problem(pointer, 'CUSTOM_FIELD_UNKNOWN', `The store declares no custom field ${key}.`)];
  }
  if (value === null || value === undefined || fits(declaration, value)) return [];
  const options = declaration.type === 'enum' ? `: ${(declaration.options ?? []).join(', ')}` : '';
  const message = `${declaration.label} (${key}) must be ${EXPECTED[declaration.type]}${options}.`;
  return [problem(pointer, 'CUSTOM_FIELD_INVALID', message)];
}

function fits(declaration: CustomFieldDeclaration, value: unknown): boolean {
  if (declaration.type === 'boolean') return typeof value === 'boolean';
  if (declaration.type === 'number') return typeof value === 'number' && Number.isFinite(value);
  if (typeof value !== 'string') return false;
  if (declaration.type === 'date') return isCalendarDate(value);
  if (declaration.type === 'enum') return declaration.options?.includes(value) ?? false;
  // Line breaks and tabs are text here; NUL and lone surrogates cannot be stored at all.
  return lengthOf(value) <= MAX_CUSTOM_TEXT_LENGTH && !/[\0\p{Cs}]/u.test(value);
}

function isMissing(given: ReadonlyMap<string, unknown>, key: string, mode: 'create' | 'update'): boolean {
  if (mode === 'update') return given.get(key) === null;
  return (given.get(key) ?? null) === null;
}

function problem(pointer: string, code: string, message: string): FieldProblem {
  return { pointer, code, message };
}
