import { isUtf8 } from "node:buffer";
import { refusal } from "../answers/refusals.ts";
import type { Input } from "../routes/input-plan.ts";
import { JsonScanner } from "./scan-json.ts";

/** `application/json`, with no parameter but the charset that JSON has anyway (RFC 8259, section 11: it defines none). */
const jsonType = /^application\/json(?: *; *charset="?utf-8"?)?$/i;

export type JsonBodyParser = (body: Buffer, contentType: string) => Input | undefined;

/** Parses JSON bodies into the object that an input is; an empty body is undefined. Throws refusals that name the field. */
export function jsonBodyParser(depthMax: number): JsonBodyParser {
  const scanner = new JsonScanner(depthMax);
  return (body, contentType) => {
    if (contentType !== "application/json" && !jsonType.test(contentType)) throw unsupported(["application/json"]);
    if (body.length === 0) return undefined;
    const text = decoded(body);
    const found = scanner.scan(text);
    if (found !== undefined) {
      const field = found.path === "" ? undefined : found.path;
      throw refusal("malformedBody", `${field ?? "the body"}: ${found.reason}`, { field });
    }
    const value = parsed(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw refusal("malformedBody", "the body must be a JSON object");
    }
    return value as Input;
  };
}

/** The text of a body becomes one field of the input. `types` are media types without parameters. */
export function textBodyParser(field: string, types: readonly string[]): (body: Buffer, contentType: string) => Input {
  return (body, contentType) => {
    const [type = "", ...parameters] = contentType.split(";").map((part) => part.trim().toLowerCase());
    const isUtf8Named = parameters.every((parameter) => /^charset="?utf-8"?$/.test(parameter));
    if (!types.includes(type) || !isUtf8Named) throw unsupported(types);
    const text = decoded(body);
    if (text.includes("\0")) throw refusal("malformedBody", `${field}: the text holds NUL`, { field });
    return { [field]: text };
  };
}

function decoded(body: Buffer): string {
  if (!isUtf8(body)) throw refusal("malformedBody", "the body is not UTF-8");
  return body.toString("utf8");
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

function unsupported(types: readonly string[]) {
  return refusal("unsupportedMediaType", `send the body as ${types.join(" or ")}, in UTF-8`, {
    headers: { "accept-post": types.join(", ") },
  });
}
