import { hostname } from "node:os";
import type { Bus } from "../bus/bus.ts";
import { Exchange } from "../bus/exchange.ts";
import type { Codec } from "../bus/frame/codec.ts";
import { type Asker, told } from "../call/asker.ts";
import type { Binding, Leaving, ValidCall } from "../call/context.ts";
import type { HealthCheck } from "../call/health-check.ts";
import { newSpanId } from "../call/ids.ts";
import type { NodeState } from "../call/inspector.ts";
import type { Runtime } from "../call/runtime.ts";
import { Scope } from "../call/scope.ts";
import type { AnyAction } from "../contract/action.ts";
import type { AnyContract } from "../contract/contract.ts";
import { fullPolicy } from "../contract/remote-policy.ts";
import { Announcer, type Offered } from "../registry/announcer.ts";
import { topics } from "../registry/messages.ts";
import { Registry, type RegistryWire } from "../registry/registry.ts";
import type { RemoteNode } from "../registry/remote-node.ts";
import { beatMs } from "../registry/timing.ts";
import { Shedder } from "../resilience/shedder.ts";
import { systemIdentity } from "../service/identity.ts";
import type { Service } from "../service/service.ts";
import { bindElsewhere } from "./bind-elsewhere.ts";
import { IncomingCalls, schemasAction } from "./incoming.ts";
import { Outgoing } from "./outgoing.ts";
import type { Route } from "./route.ts";
import { fingerprint, groupOf } from "./schema-judge.ts";

/** What takes a process into the company of others. */
export interface RemoteOptions {
  readonly bus: Bus;
  readonly codecs: readonly Codec[];
  /** What the node's id begins with. */
  readonly nodeName: string;
  readonly services: readonly Service[];
  /** Contracts of other processes' services, known from the start. */
  readonly remotes: readonly AnyContract[];
}

/** Another node, for people. */
export interface NodeReport {
  readonly id: string;
  readonly host: string;
  /** Of its services those that this process calls. */
  readonly services: readonly string[];
  readonly state: NodeState;
  /** Calls of this process that it has not answered. */
  readonly inFlight: number;
  readonly lastHeardMs: number;
}

/** How long fetching the schemas of another version may take. */
const schemasMs = 2_000;

/** The part of an application that talks with other nodes. */
export class Remote {
  readonly id: string;
  private readonly bus: Bus;
  private readonly runtime: Runtime;
  private readonly remotes: readonly AnyContract[];
  private readonly exchange: Exchange;
  private readonly shedder = new Shedder();
  private readonly incoming: IncomingCalls;
  private readonly announcer: Announcer;
  private registry: Registry | null = null;
  private readonly host = hostname();
  private readonly ends: (() => void)[] = [];
  /** Ends its part in groups. */
  private readonly groups: (() => void)[] = [];
  private readonly offered: readonly Offered[];
  private beats: NodeJS.Timeout | null = null;
  /** Actions called elsewhere, by id, but for those whose contract turned retries off. */
  private readonly retried = new Map<string, AnyAction>();

  constructor(runtime: Runtime, { bus, codecs, nodeName, services, remotes }: RemoteOptions) {
    this.bus = bus;
    this.runtime = runtime;
    this.remotes = remotes;
    this.id = `${nodeName.replaceAll(/[^A-Za-z0-9_-]/g, "-").slice(0, 40)}-${newSpanId().slice(0, 8)}`;
    this.incoming = new IncomingCalls(runtime, this.shedder);
    this.offered = services.map((service) => this.offer(service));
    const { serve, names } = this.incoming;
    const { clock, inspector } = runtime;
    const load = () => this.shedder.load;
    this.exchange = new Exchange({ bus, id: this.id, clock, codecs, actions: names, serve, inspector, load });
    this.announcer = new Announcer(this.offered, this.host, this.wire);
    runtime.elsewhere = (action) => {
      const binding = bindElsewhere(runtime, action, this.leaving(action));
      runtime.bindings[action.slot] = binding;
      return binding;
    };
  }

  /** Gives the service's actions their numbers. Those of an instanced service go through the registry where another owns the key. */
  private offer({ contract, instances }: Service): Offered {
    const { bindings } = this.runtime;
    const actions = contract.actions.map((action) => {
      const binding = bindings[action.slot] as Binding;
      const number = this.incoming.add(binding);
      if (instances !== null) bindings[action.slot] = this.byInstance(binding, instances);
      return { name: action.name, number, schemas: fingerprint(action) };
    });
    return { service: contract.name, actions, instances };
  }

  private byInstance(local: Binding, instances: readonly string[]): Binding {
    const elsewhere = this.leaving(local.action);
    return bindElsewhere(this.runtime, local.action, (call, asker) => {
      const { context, value } = call;
      const isOurs = context.key !== undefined && instances.includes(context.key);
      if (isOurs) told(asker, this.runtime.invoke(local, context, value));
      else elsewhere(call, asker);
    });
  }

  /** Takes calls of an action to other nodes; what they need is made at the first of them. */
  private leaving(action: AnyAction): Leaving {
    let outgoing: Outgoing | null = null;
    return (call, asker) => {
      outgoing ??= this.outgoing(action, call.binding.codes);
      outgoing.add(call, asker);
    };
  }

  private outgoing(action: AnyAction, declared: ReadonlySet<string>): Outgoing {
    const { clock, inspector } = this.runtime;
    const now = () => clock.monotonic();
    const record = (what: Parameters<NonNullable<typeof inspector.emit>>[0]) => inspector.emit?.(what);
    const policy = fullPolicy(action.remote, action.definition.remote);
    if (policy.retry !== null) this.retried.set(action.id, action);
    return new Outgoing({
      action,
      declared,
      policy,
      group: policy.balance === "broker" && this.bus.traits.groups ? groupOf(action) : null,
      view: this.known().need(action.service, now()),
      host: this.host,
      random: Math.random,
      now,
      wallClock: () => clock.now(),
      record,
      send: (route, call, asker) => this.send(route, call, asker),
      schemasAt: (node) => this.schemasAt(node, action),
      knownIds: () => this.knownIds(),
      breakerEntered: ({ ref }, state) =>
        record({ kind: "breaker", id: action.id, node: ref.id, state, at: clock.now() }),
    });
  }

  private known(): Registry {
    if (this.registry === null) throw new Error("the bus is not open: calls to other processes begin with app.start()");
    return this.registry;
  }

  private send({ node, number, group }: Route, { binding, context, value }: ValidCall, asker: Asker): void {
    const { origin, notes } = context;
    if (notes !== undefined) notes.node = node.ref.id;
    const call = {
      action: number,
      name: binding.action.id,
      input: value,
      scope: context.scope,
      identity: origin.identity,
      trace: origin.trace,
      parentSpanId: context.spanId ?? context.parentSpanId,
      idempotencyKey: context.idempotencyKey,
      instance: context.key,
      metadata: origin.metadata,
      notes,
    };
    if (group === null) this.exchange.ask(node.ref, call, asker);
    else this.exchange.askGroup(group, call, asker);
  }

  private schemasAt({ ref }: RemoteNode, { id }: AnyAction): Promise<unknown> {
    const scope = new Scope(this.runtime.clock, schemasMs, schemasAction.name);
    return this.runtime.watched(scope, () =>
      this.exchange.request(ref, {
        action: schemasAction.number,
        name: schemasAction.name,
        input: { action: id },
        scope,
        identity: systemIdentity,
      }),
    );
  }

  /** Names of everything that this process heard of. */
  private knownIds(): readonly string[] {
    const views = [...(this.registry?.views.values() ?? [])];
    const offered = views.flatMap((view) =>
      view.nodes.flatMap((node) => view.offerOf(node)?.actions.map(({ name }) => `${view.service}.${name}`) ?? []),
    );
    const local = this.runtime.bindings.flatMap((binding) =>
      binding?.handler || binding?.standard ? binding.action.id : [],
    );
    return [...new Set([...offered, ...local])];
  }

  private readonly wire: RegistryWire = {
    subscribe: (topic, listener) => this.exchange.subscribe(topic, listener),
    publish: (topic, message, unheard) => this.exchange.publish(topic, message, unheard),
    ping: (node) => this.exchange.ping(node),
    heardAt: (id) => this.exchange.heardAt(id),
    loadOf: (id) => this.exchange.loadOf(id),
    forget: (node) => this.exchange.forget(node),
    refuse: (node) => this.exchange.cutOff(node),
    random: Math.random,
    entered: (node, state) => {
      this.runtime.inspector.emit?.({ kind: "node", node: node.ref.id, state, at: this.runtime.clock.now() });
      if (state === "suspect") this.askOthers(node);
    },
  };

  /**
   * Calls that a silent node has not answered, and that may be made twice, are made again where another offers them: it may be
   * stopped, and they would wait until their deadlines. Where there is no other they wait: it may only be slow.
   */
  private askOthers(silent: RemoteNode): void {
    this.exchange.giveUp(silent.ref.id, ({ name, idempotencyKey }) => {
      const action = this.retried.get(name);
      if (action === undefined || (action.kind !== "query" && idempotencyKey === undefined)) return false;
      return this.known()
        .need(action.service, 0)
        .available.some((node) => node !== silent);
    });
  }

  /** Takes part in the bus, and can call from now on. Raises `bus.unavailable`. */
  async open(signal: AbortSignal): Promise<void> {
    await this.exchange.open(signal);
    const { clock } = this.runtime;
    const registry = new Registry(this.id, this.wire, clock.monotonic());
    this.registry = registry;
    this.ends.push(
      this.exchange.onPeer(({ id }, state) => {
        if (state === "up") registry.isUp(id, clock.monotonic());
        else if (state === "left") registry.left(id, clock.monotonic());
        else registry.lost(id, clock.monotonic());
      }),
    );
    for (const { contract } of this.remotes) registry.need(contract.name, clock.monotonic(), true);
    this.beats = setInterval(() => {
      registry.beat(clock.monotonic());
      this.announcer.beat(clock.monotonic());
    }, beatMs).unref();
  }

  /** Takes calls from now on. */
  announce(): void {
    this.incoming.state = "started";
    this.shedder.start();
    for (const { service } of this.offered) {
      this.ends.push(this.exchange.subscribe(topics.questions(service), ({ id }) => this.announcer.asked(service, id)));
    }
    if (this.bus.traits.groups) for (const group of this.incoming.groups()) this.groups.push(this.exchange.join(group));
    this.announcer.begin(this.runtime.clock.monotonic());
  }

  /** Takes no more calls: says so to all, and to each that still comes. */
  leave(): void {
    for (const part of this.groups.splice(0)) part();
    if (this.registry !== null && this.incoming.state === "started") this.announcer.leave();
    this.incoming.state = "draining";
  }

  async close(budget: Scope): Promise<void> {
    if (this.beats !== null) clearInterval(this.beats);
    for (const end of this.ends.splice(0)) end();
    this.shedder.stop();
    this.registry?.close();
    await this.exchange.close({ deadlineMs: budget.remainingMs() });
  }

  nodes(): readonly NodeReport[] {
    const now = this.runtime.clock.monotonic();
    return [...(this.registry?.nodes.values() ?? [])].map((node) => ({
      id: node.ref.id,
      host: node.host,
      services: [...node.offers.keys()],
      state: node.health.state,
      inFlight: node.inFlight,
      lastHeardMs: now - Math.max(node.saidAt, this.exchange.heardAt(node.ref.id)),
    }));
  }

  /** The bus, and each service that this process calls elsewhere: ok while somebody can be called. */
  checks(): readonly HealthCheck[] {
    if (this.registry === null) return [{ name: "bus", ok: false, detail: "not open" }];
    const place = this.bus.address === "" ? "" : ` at ${this.bus.address}`;
    const bus = { name: "bus", ok: true, detail: `${this.id}${place}, ${inNodes(this.registry.nodes.size)} known` };
    const own = new Set(this.offered.map(({ service }) => service));
    const services = [...this.registry.views.values()].filter(({ service }) => !own.has(service));
    return [
      bus,
      ...services.map(({ service, available }) => ({
        name: service,
        ok: available.length > 0,
        detail: inNodes(available.length),
        advisory: true,
      })),
    ];
  }
}

const inNodes = (count: number) => `${count} ${count === 1 ? "node" : "nodes"}`;
