// A spreadsheet takes a cell that begins so for a formula, whoever wrote it.
const formula = /^[\s']*[=+\-@\uff1d\uff0b\uff0d\uff20]/u;
const guarded = /^'[\s']*[=+\-@\uff1d\uff0b\uff0d\uff20]/u;

/** The text with an apostrophe before it where a spreadsheet would calculate it: with one it is text. */
export function guardFormula(text: string): string {
  return formula.test(text) ? `'${text}` : text;
}

/** What `guardFormula` was given. Any other apostrophe stays. */
export function unguardFormula(cell: string): string {
  return guarded.test(cell) ? cell.slice(1) : cell;
}
