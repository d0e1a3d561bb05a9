import type { AnyAction } from "../contract/action.ts";
import type { FullRemotePolicy } from "../contract/remote-policy.ts";
import { type Chooser, chooser } from "../registry/balance.ts";
import { RemoteNode } from "../registry/remote-node.ts";
import type { ServiceView } from "../registry/service-view.ts";
import type { BreakerState } from "../resilience/breaker.ts";
import type { Incompatibility } from "../versions/compatibility.ts";
import { Route } from "./route.ts";
import { SchemaJudge } from "./schema-judge.ts";

/** What routes need of the process they are in. */
export interface RoutesOptions {
  readonly action: AnyAction;
  readonly policy: FullRemotePolicy;
  readonly view: ServiceView;
  readonly host: string;
  /** Asked in place of a node, where the broker chooses. */
  readonly group: string | null;
  random(): number;
  now(): number;
  /** Fetches the schemas of the action as the node has them. */
  schemasAt(node: RemoteNode): Promise<unknown>;
  breakerEntered(node: RemoteNode, state: BreakerState): void;
}

/** Why there is no route: nobody offers the service, or the action; nobody is well; all are left alone; none has that key; none fits. */
export type Absence = "service" | "action" | "away" | "tripped" | "instance" | "unsure" | Incompatibility;

/** Whom one call is for. */
export interface Wanted {
  /** What "hash" goes by. */
  readonly key: string | undefined;
  /** The key of an instanced contract. */
  readonly instance: string | undefined;
  /** Where it just failed: another is better. */
  readonly not: Route | null;
}

/**
 * The nodes that one action can be called at, of those that are available: who offers it, with schemas that fit, and whose
 * breaker is closed. Computed anew when something changed, so that choosing costs a random number or two.
 */
export class Routes {
  private readonly options: RoutesOptions;
  private readonly judge: SchemaJudge;
  private readonly choose: Chooser;
  /** Kept while the node is known, so that a breaker outlives a moment of silence. */
  private readonly all = new WeakMap<RemoteNode, Route>();
  private generation = -1;
  private open: readonly Route[] = [];
  private tripped: readonly Route[] = [];
  private byInstance: ReadonlyMap<string, readonly Route[]> = new Map();
  private misfit: Incompatibility | "unsure" | null = null;
  private readonly toGroup: Route | null = null;

  constructor(options: RoutesOptions) {
    this.options = options;
    this.choose = chooser(options.policy.balance, options);
    if (options.group !== null) this.toGroup = routeToGroup(options.group, options.policy, options.now());
    this.judge = new SchemaJudge(options.action, () => options.view.refresh());
  }

  /** Whom to call, or null; see `absence`. */
  find(wanted: Wanted): Route | null {
    // A broker cannot tell a service that nobody ever offered from one whose nodes are all away.
    if (this.toGroup !== null) return this.options.view.isKnown ? this.toGroup : null;
    if (this.generation !== this.options.view.generation) this.refresh();
    const { key, instance, not } = wanted;
    if (this.tripped.length > 0) {
      const now = this.options.now();
      const probed = this.tripped.find(
        (route) => owns(route, this.options.view, instance) && route.breaker?.mayProbe(now),
      );
      if (probed !== undefined) return probed;
    }
    let candidates =
      instance === undefined ? this.open : (this.byInstance.get(instance) ?? this.byInstance.get("") ?? []);
    if (candidates.length === 0) return null;
    if (not !== null && candidates.length > 1) candidates = candidates.filter((route) => route !== not);
    return this.choose(candidates, key);
  }

  /** Why `find` found nobody. */
  absence(): Absence {
    const { view, action } = this.options;
    if (view.nodes.length === 0) return "service";
    if (this.tripped.length > 0 && this.open.length === 0) return "tripped";
    if (this.open.length > 0) return "instance";
    if (this.misfit !== null) return this.misfit;
    const offers = view.nodes.some((node) => view.offerOf(node)?.actions.some(({ name }) => name === action.name));
    return offers ? "away" : "action";
  }

  /** Milliseconds until the first of the nodes that are left alone is tried again. */
  probeInMs(): number {
    const now = this.options.now();
    return Math.max(0, Math.min(...this.tripped.map(({ breaker }) => breaker?.opensAt ?? now)) - now);
  }

  private refresh(): void {
    const { view } = this.options;
    this.generation = view.generation;
    this.misfit = null;
    const routes = view.available.flatMap((node) => this.routeTo(node) ?? []);
    this.open = routes.filter(({ isTripped }) => !isTripped);
    this.tripped = routes.filter(({ isTripped }) => isTripped);
    const byInstance = new Map<string, Route[]>();
    for (const route of this.options.action.instanced ? this.open : []) {
      for (const instance of view.offerOf(route.node)?.instances ?? [""]) {
        byInstance.set(instance, [...(byInstance.get(instance) ?? []), route]);
      }
    }
    this.byInstance = byInstance;
  }

  private routeTo(node: RemoteNode): Route | null {
    const { action, view, policy } = this.options;
    const offered = view.offerOf(node)?.actions.find(({ name }) => name === action.name);
    if (offered === undefined) return null;
    const verdict = this.judge.verdict(offered.schemas, () => this.options.schemasAt(node));
    if (verdict !== "fits") {
      if (this.misfit === null || verdict === "unsure") this.misfit = verdict;
      return null;
    }
    let route = this.all.get(node);
    if (route === undefined) {
      route = new Route(node, policy, (state) => {
        this.generation = -1;
        this.options.breakerEntered(node, state);
      });
      this.all.set(node, route);
    }
    route.number = offered.number;
    return route;
  }
}

function owns(route: Route, view: ServiceView, instance: string | undefined): boolean {
  const instances = view.offerOf(route.node)?.instances ?? null;
  return instance === undefined || instances === null || instances.includes(instance);
}

/** Nobody's breaker: one node that fails must not keep calls from the others of its group. */
function routeToGroup(group: string, policy: FullRemotePolicy, now: number): Route {
  const route = new Route(new RemoteNode({ id: group, address: "" }, now), { ...policy, breaker: null }, () => {});
  route.group = group;
  return route;
}
