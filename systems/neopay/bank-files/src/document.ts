import { type BankCsvOptions, parseBankCsv } from "./bank-csv.ts";
import { parseCamt } from "./camt.ts";
import type { BankStatement, ParsedStatements, StatementFormat } from "./model.ts";
import { parseMt940 } from "./mt940.ts";
import { ParseError } from "./problem.ts";

/**
 * The text of a file by its byte order mark, else by the first character of XML in UTF-16, else its XML declaration, else UTF-8, else the
 * Windows code page of old banks. Throws ParseError where it is in none of them, or no text.
 */
export function decodeDocument(bytes: Uint8Array): string {
  const text = decoded(bytes);
  const zeroLine = lineOfZero(text);
  if (zeroLine !== null)
    throw new ParseError({ line: zeroLine, at: null }, "the file holds a zero character: it is no text");
  return text;
}

function decoded(bytes: Uint8Array): string {
  // The mark, or `<` without one (XML 1.0, appendix F).
  const start = Buffer.from(bytes.subarray(0, 2)).toString("hex");
  if (start === "fffe" || start === "3c00") return new TextDecoder("utf-16le").decode(bytes);
  if (start === "feff" || start === "003c") return new TextDecoder("utf-16be").decode(bytes);
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 200));
  const declared = /^(?:\xef\xbb\xbf)?<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']/.exec(head)?.[1] ?? "utf-8";
  try {
    return new TextDecoder(declared, { fatal: true }).decode(bytes);
  } catch (error) {
    if (declared.toLowerCase() === "utf-8") return new TextDecoder("windows-1252").decode(bytes);
    throw new ParseError({ line: 1, at: null }, `the file is not in the encoding ${declared} that it declares`, {
      cause: error,
    });
  }
}

function lineOfZero(text: string): number | null {
  const at = text.indexOf("\u0000");
  return at < 0 ? null : text.slice(0, at).split("\n").length;
}

// Some banks put lines of their own before the first message.
const HEAD_CHARS = 4_096;

/** The format of a document: `<` begins camt, a line that begins with :20: is MT940, all else is CSV. */
function detectFormat(content: string): StatementFormat {
  const start = content.trimStart().slice(0, HEAD_CHARS);
  if (start.startsWith("<")) return "camt";
  return /^(?:\{.*\{4:)?\s*:20:/m.test(start) || start.startsWith("{1:") ? "mt940" : "csv";
}

// ISO 20022 allows 35 characters for both; what is stored by them needs some bound.
const ID_CHARS_MAX = 200;

/** Reads a document of any of the formats. Never throws for bad input: what is wrong is among the problems. */
export function parseStatements(
  content: string,
  options: { format?: StatementFormat | undefined; csv?: BankCsvOptions } = {},
): ParsedStatements {
  const text = content.toWellFormed().replace(/^\uFEFF/, "");
  const line = lineOfZero(text);
  if (line !== null) {
    const reason = "the text holds a zero character";
    return { statements: [], problems: [{ line, at: null, statementId: null, reason }] };
  }
  const format = options.format ?? detectFormat(text);
  const { statements, problems } =
    format === "camt" ? parseCamt(text) : format === "mt940" ? parseMt940(text) : parseBankCsv(text, options.csv);
  const tooLong = (statement: BankStatement): boolean =>
    Math.max(statement.statementId.length, statement.account.length) > ID_CHARS_MAX;
  const refused = statements.filter(tooLong).map(({ statementId }) => ({
    line: null,
    at: null,
    statementId: statementId.slice(0, ID_CHARS_MAX),
    reason: `the statement's id or account exceeds ${ID_CHARS_MAX} characters`,
  }));
  return { statements: statements.filter((statement) => !tooLong(statement)), problems: [...problems, ...refused] };
}
