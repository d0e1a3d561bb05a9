import type { AnyAction } from "@banyan/kernel/app";

/** How an action's input travels by its HTTP route. */
export interface HttpRequest {
  readonly method: string;
  /** With the query string. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

type Input = Readonly<Record<string, unknown>>;

/**
 * Fills the path's parameters from the input. The rest becomes the query string of a GET or DELETE, else a JSON body. A
 * contract's text field travels as the body itself: JSON bodies have narrower limits than documents. Fields that the contract
 * takes from headers travel there.
 */
export function httpRequestOf({ definition }: AnyAction, route: string, input: Input): HttpRequest {
  const [method = "GET", template = "/"] = route.split(" ");
  const rest = { ...input };
  const headers: Record<string, string> = {};
  for (const [field, header] of Object.entries(definition.httpHeaders ?? {})) {
    if (rest[field] !== undefined) headers[header] = String(rest[field]);
    delete rest[field];
  }
  const path = template.replace(/:(\w+)/g, (_, name: string) => {
    const value = rest[name];
    delete rest[name];
    return encodeURIComponent(String(value));
  });
  if (method === "GET" || method === "DELETE") return { method, path: withQuery(path, rest), headers };
  const { field, contentTypes: [contentType] = [] } = definition.httpText ?? {};
  if (field !== undefined && contentType !== undefined && typeof rest[field] === "string") {
    const { [field]: body, ...others } = rest;
    headers["content-type"] = contentType;
    return { method, path: withQuery(path, others), headers, body: body as string };
  }
  headers["content-type"] = "application/json";
  return { method, path, headers, body: JSON.stringify(rest) };
}

/** A list is its name several times. */
function withQuery(path: string, fields: Input): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) query.append(name, String(one));
  }
  return query.size === 0 ? path : `${path}?${query}`;
}
