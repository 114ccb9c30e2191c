// Cells of exported CSV files: guarded, because a spreadsheet runs text that looks like a formula.

// Any number of apostrophes before the sign counts too, or a customer named "'=x" would lose one on the way back.
const RISKY = /^'*[=+\-@\t\r]/;
const GUARDED = /^'+[=+\-@\t\r]/;

/**
 * Text that starts with = + - @ tab or CR gets an apostrophe in front: spreadsheets then
 * show it as text. Phone numbers and negative numbers given as text too, for '-2+cmd|…' looks like one.
 * Everything else passes as it is: numeric columns are numbers, not text.
 */
export function guardCell<Value>(value: Value): Value | string {
  return typeof value === 'string' && RISKY.test(value) ? `'${value}` : value;
}

/** Takes one guard off again, for files of our own export: `unguardCell(guardCell(x)) === x` for every text. */
export function unguardCell(text: string): string {
  return GUARDED.test(text) ? text.slice(1) : text;
}
