import type { AnyAction, App } from "@banyan/kernel/app";

/** What an edge needs of a service, wherever that runs. */
export type Service = { readonly contract: App["contracts"][number] };

/** Methods of which a path has some, and answers 405 to the rest. */
export const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** Where one action is reached. */
export interface Route {
  readonly action: AnyAction;
  /** "POST /v1/accounts/:account/close": the route as in the contract. */
  readonly name: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** As in the contract: "/v1/accounts/:account/close". */
  readonly path: string;
  /** The path without its parameters' names: two of one shape match the same requests. */
  readonly shape: string;
  /** Names of the path's parameters, in order. */
  readonly parameters: readonly string[];
}

/** The gateway's own; an action that wants one of them is a start-up error. */
const ownPaths = [
  "/health",
  "/readiness",
  "/metrics",
  "/openapi.json",
  "/asyncapi.json",
  "/docs",
  "/docs/reference.js",
  "/docs/reference.css",
];

const routePattern = /^(GET|POST|PUT|PATCH|DELETE) ((?:\/:?[A-Za-z0-9._~-]+)+)$/;

/**
 * Every action that has an `http` route, in the order of the services. Throws where two want the same requests, a path
 * is not plain, or a parameter is given twice.
 */
export function routeTable(services: readonly Service[]): Route[] {
  const taken = new Map(ownPaths.map((path) => [`GET ${path}`, "the gateway itself"]));
  const routes: Route[] = [];
  for (const { contract } of services) {
    for (const action of contract.actions) {
      if (action.definition.http === undefined) continue;
      const route = routeOf(action, action.definition.http);
      const wanted = `${route.method} ${route.shape}`;
      const other = taken.get(wanted);
      if (other !== undefined) {
        throw new Error(
          `${action.id} and ${other} both answer ${route.method} ${route.path}; give one of them another http route`,
        );
      }
      taken.set(wanted, action.id);
      routes.push(route);
    }
  }
  return routes;
}

function routeOf(action: AnyAction, http: string): Route {
  const [, method, path] = routePattern.exec(http) ?? [];
  if (method === undefined || path === undefined) {
    throw new Error(`${action.id} has the http route "${http}"; write it as "POST /v1/things/:thing/close"`);
  }
  if (action.kind !== "query" && method === "GET") {
    throw new Error(`${action.id} changes state and cannot be a GET: browsers, caches and crawlers repeat those`);
  }
  const parameters = [...path.matchAll(/\/:([^/]+)/g)].map(([, name]) => name as string);
  const twice = parameters.find((name, index) => parameters.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`${action.id} names :${twice} twice in its path`);
  const shape = path.replace(/:[^/]+/g, ":");
  return { action, name: http, method: method as Route["method"], path, shape, parameters };
}
