import { isUtf8 } from "node:buffer";
import { TextDecoder } from "node:util";
import { refusal } from "../answers/refusals.ts";
import type { Input } from "../routes/input-plan.ts";
import { JsonScanner } from "./scan-json.ts";

/** One way in which a body is written. */
export interface BodyFormat {
  /** As in an answer's `Accept-Post`. */
  readonly types: readonly string[];
  readonly bytesMax: number;
  /** Whether the `Content-Type` names it, in an encoding that it takes. */
  isNamed(contentType: string): boolean;
  /** The object that a body of this `Content-Type` gives to the input; undefined for an empty one. Throws refusals that name the field. */
  parse(body: Buffer, contentType: string): Input | undefined;
}

/** `application/json`, with no parameter but the charset that JSON has anyway (RFC 8259, section 11: it defines none). */
const jsonType = /^application\/json(?: *; *charset="?utf-8"?)?$/i;

/** JSON objects. */
export interface JsonFormat extends BodyFormat {
  /** The same, but for JSON that is refused for something that it holds: its text becomes that field of the input. */
  unsoundAs(field: string): BodyFormat;
}

/** JSON objects, nested up to `depthMax` deep. */
export function jsonFormat(limits: { readonly bodyBytesMax: number; readonly jsonDepthMax: number }): JsonFormat {
  const scanner = new JsonScanner(limits.jsonDepthMax);
  const format: BodyFormat = {
    types: ["application/json"],
    bytesMax: limits.bodyBytesMax,
    isNamed: (contentType) => contentType === "application/json" || jsonType.test(contentType),
    parse(body) {
      if (body.length === 0) return undefined;
      const text = decoded(body);
      const found = scanner.scan(text);
      if (found !== undefined) {
        const field = found.path === "" ? undefined : found.path;
        throw refusal("malformedBody", `${field ?? "the body"}: ${found.reason}`, { field });
      }
      return objectIn(text);
    },
  };
  const unsoundAs = (field: string): BodyFormat => ({
    ...format,
    parse(body) {
      if (body.length === 0) return undefined;
      const text = isUtf8(body) ? body.toString("utf8") : escaped(body);
      return scanner.scan(text) === undefined ? objectIn(text) : { [field]: text };
    },
  });
  return { ...format, unsoundAs };
}

interface TextOptions {
  readonly field: string;
  /** Media types without parameters, in lower case. */
  readonly types: readonly string[];
  readonly bytesMax: number;
  readonly inPieces: boolean;
}

/**
 * Text that becomes one field of the input. It is in the encoding of its byte order mark, else of the `charset`, else, of XML, that which it
 * declares (RFC 7303, section 3), else in UTF-8. What comes in pieces is read as it comes, in UTF-8 alone.
 */
export function textFormat({ field, types, bytesMax, inPieces }: TextOptions): BodyFormat {
  const isTaken = (charset: string) => (inPieces ? charset === "utf-8" : decoderOf(charset) !== undefined);
  return {
    types,
    bytesMax,
    isNamed(contentType) {
      const [type = "", ...parameters] = contentType.split(";").map((part) => part.trim().toLowerCase());
      return types.includes(type) && parameters.every((parameter) => isTaken(charsetIn(parameter)));
    },
    parse(body, contentType) {
      const encoding = encodingOf(body, contentType.toLowerCase());
      const text = encoding === "utf-8" ? decoded(body) : decodedFrom(encoding, body);
      if (text.includes("\0")) throw refusal("malformedBody", `${field}: the text holds NUL`, { field });
      return { [field]: text };
    },
  };
}

const charsetIn = (text: string) => /charset="?([^";\s]+)/.exec(text)?.[1] ?? "";

function encodingOf(body: Buffer, contentType: string): string {
  const start = body.toString("hex", 0, 2);
  if (start === "fffe") return "utf-16le";
  if (start === "feff") return "utf-16be";
  const charset = charsetIn(contentType);
  if (charset !== "" || !/^(?:application|text)\/(?:[^;]+\+)?xml/.test(contentType)) return charset || "utf-8";
  // `<` without a mark (XML 1.0, appendix F).
  if (start === "3c00") return "utf-16le";
  if (start === "003c") return "utf-16be";
  const declared = /^(?:\xef\xbb\xbf)?<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']/.exec(
    body.toString("latin1", 0, 200),
  );
  return declared?.[1]?.toLowerCase() ?? "utf-8";
}

/** Undefined where the encoding is unknown (labels of the WHATWG's Encoding standard). */
function decoderOf(encoding: string): TextDecoder | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true });
  } catch {
    return undefined;
  }
}

function decodedFrom(encoding: string, body: Buffer): string {
  try {
    return decoderOf(encoding)?.decode(body) ?? "";
  } catch {
    throw refusal("malformedBody", `the body is not in the encoding ${encoding}`);
  }
}

/** The format that a `Content-Type` names. Throws a refusal where none of them is named: a body is not guessed at. */
export function formatNamed(contentType: string | undefined, formats: readonly BodyFormat[]): BodyFormat {
  if (contentType !== undefined) for (const format of formats) if (format.isNamed(contentType)) return format;
  const types = formats.flatMap((format) => format.types);
  throw refusal("unsupportedMediaType", `send the body as ${types.join(" or ")}, in UTF-8`, {
    headers: { "accept-post": types.join(", ") },
  });
}

/** JSON text with each byte that is no UTF-8 as an escape of half a surrogate pair. */
function escaped(body: Buffer): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < body.length; ) {
    const byte = body[at] as number;
    const length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    if (byte < 0x80 || (byte < 0xf8 && isUtf8(body.subarray(at, at + length)))) {
      at += length;
      continue;
    }
    parts.push(body.toString("utf8", from, at), `\\udc${byte.toString(16)}`);
    at += 1;
    from = at;
  }
  return parts.join("") + body.toString("utf8", from);
}

function decoded(body: Buffer): string {
  if (!isUtf8(body)) throw refusal("malformedBody", "the body is not UTF-8");
  return body.toString("utf8");
}

function objectIn(text: string): Input {
  const value = parsed(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refusal("malformedBody", "the body must be a JSON object");
  }
  return value as Input;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The message of V8 quotes the body, which may hold what must not come back in an answer or a log.
    const [, at] = /at position (\d+)/.exec(error instanceof Error ? error.message : "") ?? [];
    throw refusal("malformedBody", `the body is not JSON${at === undefined ? "" : `, at character ${at}`}`);
  }
}
