import type { IncomingHttpHeaders } from "node:http";
import type { JsonSchema } from "@banyan/kernel/app";
import { refusal } from "../answers/refusals.ts";
import type { Route } from "./route-table.ts";
import { acceptedBy, type TextField, textFields } from "./text-field.ts";

export type Input = Record<string, unknown>;

/** Makes one input of a request's path, query string and body. Throws refusals that name the field. */
export type InputReader = (params: Readonly<Record<string, string>>, query: string, body: Input | undefined) => Input;

/** Query strings are short, but not short enough to let each of 4,000 names cost a look-up of its own. */
const pairsMax = 256;

/**
 * How a route's requests become its action's input. Text from path and query is turned into what the schema wants of
 * that field (numbers, booleans, lists); what does not fit stays text, so that the schema's own message names it.
 * Throws where a path parameter is no field, or a field of a route without body cannot be written as text.
 */
export function inputReader(route: Route, schema: JsonSchema): InputReader {
  const fields = textFields(schema);
  const { id } = route.action;
  const parameters = route.parameters.map((name) => {
    const field = fields.get(name);
    if (fields.size > 0 && field === undefined) {
      throw new Error(`${id} has :${name} in its path, but no such field in its input`);
    }
    return { name, field: field ?? acceptedBy({}, schema) };
  });
  if (route.method === "GET" || route.method === "DELETE") {
    for (const [name, { isWritable }] of fields) {
      if (!isWritable)
        throw new Error(`${id} takes an object as ${name}, which a query string cannot carry; make it a POST`);
    }
  }
  return (params, query, body) => {
    const input = body ?? {};
    for (const { name, field } of parameters) give(input, name, field.read(name, params[name] as string));
    if (query !== "") readQuery(query, fields, input);
    return input;
  };
}

/**
 * Takes the headers that a route's contract names into the input; undefined where it names none. Throws a refusal where one of
 * their fields is given in another place: what a header says must not be overruled.
 */
export function headerReader({ action }: Route): ((input: Input, headers: IncomingHttpHeaders) => void) | undefined {
  const { httpHeaders } = action.definition;
  if (httpHeaders === undefined) return undefined;
  const named = Object.entries(httpHeaders).map(([field, header]) => [field, header.toLowerCase()] as const);
  return (input, headers) => {
    for (const [field, header] of named) {
      if (Object.hasOwn(input, field))
        throw refusal("malformedInput", `${field} is taken from the header ${header} alone`, { field });
      const value = headers[header];
      if (typeof value === "string") input[field] = value;
    }
  };
}

function give(input: Input, name: string, value: unknown): void {
  if (Object.hasOwn(input, name)) throw twice(name);
  input[name] = value;
}

function twice(field: string) {
  return refusal(
    "malformedInput",
    `${field} is given twice; a field has one place: the path, the query string or the body`,
    { field },
  );
}

function readQuery(query: string, fields: ReadonlyMap<string, TextField>, input: Input): void {
  const pairs = query.split("&", pairsMax + 1);
  if (pairs.length > pairsMax) throw refusal("malformedInput", `the query string has more than ${pairsMax} fields`);
  const lists = new Map<string, unknown[]>();
  for (const pair of pairs) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals), "the query string");
    const text = equals < 0 ? "" : decode(pair.slice(equals + 1), name);
    if (name === "__proto__") throw refusal("malformedInput", "__proto__ is not allowed as a name", { field: name });
    const field = fields.get(name);
    if (field?.isList) {
      const list = lists.get(name);
      if (list !== undefined) list.push(field.read(name, text));
      else {
        const first = [field.read(name, text)];
        lists.set(name, first);
        give(input, name, first);
      }
    } else give(input, name, field === undefined ? text : field.read(name, text));
  }
}

function decode(text: string, field: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text.includes("+") ? text.replaceAll("+", " ") : text);
  } catch {
    throw refusal("malformedInput", `${field} is not percent-encoded UTF-8`, { field });
  }
  return withoutNul(decoded, field);
}

/** No database stores NUL in a text. */
function withoutNul(text: string, field: string): string {
  if (text.includes("\0")) throw refusal("malformedInput", `${field} holds NUL`, { field });
  return text;
}
