import { type BankCsvOptions, parseBankCsv } from "./bank-csv.ts";
import { parseCamt } from "./camt.ts";
import type { ParsedStatements } from "./model.ts";
import { parseMt940 } from "./mt940.ts";
import { ParseError } from "./problem.ts";

/** The formats that a statement may come in. */
export const statementFormats = ["camt", "mt940", "csv"] as const;
export type StatementFormat = (typeof statementFormats)[number];

/** The text of a file by its byte order mark, else its XML declaration, else UTF-8, else the Windows code page of old banks. */
export function decodeDocument(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
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

/** The format of a document by how it begins: `<` is camt, a SWIFT block or tag is MT940, all else CSV. */
export function detectFormat(content: string): StatementFormat {
  const start = content.trimStart();
  if (start.startsWith("<")) return "camt";
  return /^(?:\{1:|:20:)/.test(start) ? "mt940" : "csv";
}

/** Reads a document of any of the formats. Never throws for bad input: what is wrong is among the problems. */
export function parseStatements(
  content: string,
  options: { format?: StatementFormat | undefined; csv?: BankCsvOptions } = {},
): ParsedStatements {
  const text = content.replace(/^\uFEFF/, "");
  const format = options.format ?? detectFormat(text);
  if (format === "camt") return parseCamt(text);
  return format === "mt940" ? parseMt940(text) : parseBankCsv(text, options.csv);
}
