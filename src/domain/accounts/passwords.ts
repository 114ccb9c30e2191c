// What a password must be (NIST SP 800-63B, 3.1.1.2): long enough and not easily guessed; no rules about which characters.
import { type FieldProblem, foldText } from '../fields.ts';
import { COMMON_WORDS } from './common-passwords.ts';

/** In characters as people count them (code points of the NFKC form). */
export const MIN_PASSWORD_LENGTH = 8;
export const MAX_PASSWORD_LENGTH = 128;

/** Digits and signs behind or before a common word that do not make it harder to guess. */
const MAX_ORNAMENT = 5;
/** Parts of the own name or address that are shorter are in too many words. */
const MIN_OWN_LENGTH = 4;
/** Fewer different characters than this is a repetition, whatever the length. */
const MIN_DIFFERENT = 4;

const ROWS = [
  '01234567890123456789',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'qwertzuiop',
  'yxcvbnm',
  'azertyuiop',
  'qsdfghjklm',
  'wxcvbn',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol',
  '1q2w3e4r5t6y7u8i9o0p',
];

/** The form that is hashed: however a keyboard composes the characters, it is the same password. */
export const normalisePassword = (password: string): string => password.normalize('NFKC');

const LEET: Readonly<Record<string, string>> = {
  0: 'o',
  1: 'i',
  3: 'e',
  4: 'a',
  5: 's',
  7: 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

/** Letters alone, with those for which digits and signs stand: `P@ssw0rd` → `password`. */
const skeletonOf = (text: string): string =>
  [...text]
    .map((character) => LEET[character] ?? character)
    .join('')
    .replace(/[^\p{L}]/gu, '');

const withoutOrnament = (text: string): string => {
  const [, front = '', core = '', back = ''] = /^([^\p{L}]*)(.*?)([^\p{L}]*)$/su.exec(text) ?? [];
  return front.length + back.length <= MAX_ORNAMENT ? core : text;
};

/** `abcabcabc`, `aaaaaaaa`: a part of at most half the length, again and again. */
const isRepetition = (text: string): boolean =>
  new Set(text).size < MIN_DIFFERENT || /^(.{1,32}?)\1+$/su.test(text);

const backwards = (text: string): string => [...text].reverse().join('');

/** Neighbours on the keyboard, in the alphabet or among numbers, with at most an ornament. */
function isRow(text: string): boolean {
  const core = withoutOrnament(text);
  return ROWS.some((row) => {
    const inRow = (part: string) =>
      part.length >= MIN_OWN_LENGTH && (row.includes(part) || backwards(row).includes(part));
    return inRow(text) || (inRow(core) && text.length - core.length <= MAX_ORNAMENT);
  });
}

/** Two rows or common words one behind the other are as easy as one: `qwertyasdfgh`, `monkeydragon`. */
function isCommonWord(text: string): boolean {
  const words = [text, withoutOrnament(text)].map(skeletonOf);
  return words.some(
    (word) =>
      COMMON_WORDS.has(word) ||
      Array.from(word).some(
        (_, at) => COMMON_WORDS.has(word.slice(0, at)) && COMMON_WORDS.has(word.slice(at)),
      ),
  );
}

/** Dates and numbers of telephones. */
const isShortNumber = (text: string): boolean => /^\d{1,10}$/.test(text);

/** Whether guessing begins with passwords like this one: common words, rows of keys and repetitions, a little ornamented. */
export function isCommonPassword(password: string): boolean {
  const text = foldText(password);
  return isShortNumber(text) || isRepetition(text) || isRow(text) || isCommonWord(text);
}

/** Who chooses the password; their own name and address are what a guesser knows. */
export interface PasswordOwner {
  email?: string | null;
  firstName?: string | null;
  lastName?: string | null;
  company?: string | null;
}

/** Whether nothing is left of the password but what everybody knows of its owner, and an ornament. */
function isOwn(password: string, owner: PasswordOwner): boolean {
  const text = foldText(password);
  const { email = null, firstName = null, lastName = null, company = null } = owner;
  const parts = [
    email,
    email?.split('@')[0],
    firstName,
    lastName,
    company,
    `${firstName}${lastName}`,
    `${lastName}${firstName}`,
  ];
  return parts
    .flatMap((part) => (part ? [foldText(part)] : []))
    .filter((part) => part.length >= MIN_OWN_LENGTH)
    .some((part) => text.includes(part) && text.length - part.length <= MAX_ORNAMENT);
}

function faultOf(password: string, owner: PasswordOwner): [code: string, message: string] | undefined {
  const { length } = [...password];
  if (length < MIN_PASSWORD_LENGTH)
    return ['PASSWORD_TOO_SHORT', `A password has at least ${MIN_PASSWORD_LENGTH} characters.`];
  if (length > MAX_PASSWORD_LENGTH)
    return ['PASSWORD_TOO_LONG', `A password has at most ${MAX_PASSWORD_LENGTH} characters.`];
  if (isOwn(password, owner)) return ['PASSWORD_IS_OWN', 'The password is your own name or address.'];
  if (isCommonPassword(password))
    return [
      'PASSWORD_COMMON',
      'The password is one of those that are guessed first; several words are better.',
    ];
  return undefined;
}

export interface PasswordRefusal {
  refused: 'PASSWORD_REFUSED';
  errors: FieldProblem[];
}

/** The password in the form that is hashed, or what is wrong with it; `pointer` is its place in the request. */
export function readPassword(
  input: string,
  owner: PasswordOwner,
  pointer = '/password',
): { password: string } | PasswordRefusal {
  const password = normalisePassword(input);
  const fault = faultOf(password, owner);
  if (!fault) return { password };
  const [code, message] = fault;
  return { refused: 'PASSWORD_REFUSED', errors: [{ pointer, code, message }] };
}
