import { currencyOf, MoneyError, parseDecimal } from "@banyan/neopay-money";
import type { Direction } from "./model.ts";
import { ParseError, quoted } from "./problem.ts";

/** One element with what it holds. ISO 20022 has one attribute that matters, the currency of an amount. */
export type XmlElement = {
  readonly name: string;
  readonly namespace: string;
  /** Names from the root, joined by `/`: what a problem is reported at. */
  readonly path: string;
  readonly line: number;
  readonly currency: string | null;
  text: string;
  readonly children: XmlElement[];
};

// Split once: paths are literals of this package, so there are some fifty of them, looked up for every entry.
const steps = new Map<string, readonly string[]>();

function stepsOf(path: string): readonly string[] {
  const known = steps.get(path) ?? path.split("/");
  steps.set(path, known);
  return known;
}

/** The first element down a path of names (`"NtryDtls/Btch"`), or null. */
export function find(element: XmlElement | null, path: string): XmlElement | null {
  let found = element;
  for (const name of stepsOf(path)) {
    if (found === null) return null;
    found = found.children.find((child) => child.name === name) ?? null;
  }
  return found;
}

/** Every child of a name, in document order. */
export function findAll(element: XmlElement | null, name: string): XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

/** The trimmed text at the first of the paths that holds one, or null: versions of a message moved elements about. */
export function textAt(element: XmlElement | null, ...paths: string[]): string | null {
  for (const path of paths) {
    const text = find(element, path)?.text.trim();
    if (text) return text;
  }
  return null;
}

/** The element at a path. Throws ParseError at the parent's line when it is missing. */
export function required(element: XmlElement, path: string): XmlElement {
  const found = find(element, path);
  if (found) return found;
  throw new ParseError({ line: element.line, at: `${element.path}/${path}` }, `${element.name} lacks ${path}`);
}

/** The text at a path. Throws ParseError when the element is missing or empty. */
export function requiredText(element: XmlElement, path: string): string {
  const found = required(element, path);
  const text = found.text.trim();
  if (text) return text;
  throw new ParseError({ line: found.line, at: found.path }, `${found.name} is empty`);
}

/** An amount of 0 or more with its currency. Throws ParseError naming the value: too precise, negative, unknown currency. */
export function readAmount(element: XmlElement, defaultCurrency?: string): { amountMinor: number; currency: string } {
  const text = element.text.trim();
  const currency = element.currency ?? defaultCurrency;
  if (!currency)
    throw new ParseError({ line: element.line, at: element.path }, `${element.name} lacks the attribute Ccy`);
  try {
    const amountMinor = parseDecimal(text, currencyOf(currency).code);
    if (amountMinor < 0) {
      throw new ParseError(
        { line: element.line, at: element.path },
        `${quoted(text)} is negative; an amount has no sign`,
      );
    }
    return { amountMinor, currency };
  } catch (error) {
    if (error instanceof MoneyError)
      throw new ParseError({ line: element.line, at: element.path }, error.message, { cause: error });
    throw error;
  }
}

/** CdtDbtInd as a direction. Throws ParseError when it is missing or neither CRDT nor DBIT. */
export function readDirection(element: XmlElement): Direction {
  const indicator = requiredText(element, "CdtDbtInd");
  if (indicator === "CRDT") return "credit";
  if (indicator === "DBIT") return "debit";
  const found = required(element, "CdtDbtInd");
  throw new ParseError({ line: found.line, at: found.path }, `${quoted(indicator)} is neither CRDT nor DBIT`);
}

/** A boolean of XML Schema, absent meaning false. Throws ParseError for anything else. */
export function readFlag(element: XmlElement, path: string): boolean {
  const found = find(element, path);
  const text = found?.text.trim();
  if (!found || text === "false" || text === "0") return false;
  if (text === "true" || text === "1") return true;
  throw new ParseError({ line: found.line, at: found.path }, `${quoted(text ?? "")} is neither true nor false`);
}

/** The calendar day of a date choice (`Dt`, `DtTm` or plain text), as written and without shifting zones, or null. */
export function readDay(element: XmlElement | null): string | null {
  if (!element) return null;
  const written = find(element, "Dt") ?? find(element, "DtTm") ?? element;
  const text = written.text.trim();
  const match = /^(\d{4}-\d{2}-\d{2})(?:T[0-9:.]+)?(?:Z|[+-]\d{2}:?\d{2})?$/.exec(text);
  const day = match?.[1];
  if (day && isCalendarDay(day)) return day;
  throw new ParseError(
    { line: written.line, at: written.path },
    `${quoted(text)} is not a date; write it as 2026-11-21`,
  );
}

/** True for a day that exists, written YYYY-MM-DD. */
export function isCalendarDay(day: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  const [year, month, date] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])];
  // Day 0 of the next month is the last of this one.
  return (
    match !== null && month >= 1 && month <= 12 && date >= 1 && date <= new Date(Date.UTC(year, month, 0)).getUTCDate()
  );
}
