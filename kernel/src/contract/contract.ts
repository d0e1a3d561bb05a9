import type {
  AnyAction,
  AnyWorkflow,
  Command,
  CommandDefinition,
  Event,
  EventDefinition,
  Job,
  JobDefinition,
  Query,
  QueryDefinition,
  Signal,
  Workflow,
  WorkflowDefinition,
} from "./action.ts";
import {
  type AnyFaultType,
  type Fault,
  type FaultDefinition,
  type FaultDetails,
  type FaultType,
  faultType,
} from "./fault.ts";
import type { RemotePolicy } from "./remote-policy.ts";
import type { Schema, SchemaInput, SchemaOutput } from "./schema.ts";

type Definitions<D> = Readonly<Record<string, D>>;
type Named<D> = D extends { readonly faults: readonly (infer N extends string)[] } ? N : never;

/** Checks fault names by intersection: a constraint would turn every handler of the contract red for one typo. */
type Declared<A, F> = { readonly [K in keyof A]: { readonly faults?: readonly (keyof F & string)[] } };

type FaultTypes<S extends string, F extends Definitions<FaultDefinition>, Names extends string = keyof F & string> = {
  readonly [N in Names]: FaultType<`${S}.${N}`, FaultDetails<F[N]>>;
};

type Commands<
  S extends string,
  F extends Definitions<FaultDefinition>,
  C extends Definitions<CommandDefinition>,
  I extends boolean,
> = {
  readonly [K in keyof C & string]: Command<
    S,
    K,
    SchemaInput<C[K]["input"]>,
    SchemaOutput<C[K]["input"]>,
    SchemaOutput<C[K]["output"]>,
    FaultTypes<S, F, Named<C[K]>>,
    I
  >;
};
type Queries<
  S extends string,
  F extends Definitions<FaultDefinition>,
  Q extends Definitions<QueryDefinition>,
  I extends boolean,
> = {
  readonly [K in keyof Q & string]: Query<
    S,
    K,
    SchemaInput<Q[K]["input"]>,
    SchemaOutput<Q[K]["input"]>,
    SchemaOutput<Q[K]["output"]>,
    FaultTypes<S, F, Named<Q[K]>>,
    I
  >;
};
type Events<S extends string, E extends Definitions<EventDefinition>> = {
  readonly [K in keyof E & string]: Event<S, K, SchemaInput<E[K]["data"]>, SchemaOutput<E[K]["data"]>>;
};
type Jobs<S extends string, J extends Definitions<JobDefinition>> = {
  readonly [K in keyof J & string]: Job<S, K, SchemaInput<J[K]["input"]>, SchemaOutput<J[K]["input"]>>;
};

type Signals<Id extends string, G> = {
  readonly [N in keyof G & string]: G[N] extends Schema
    ? Signal<`${Id}.${N}`, SchemaInput<G[N]>, SchemaOutput<G[N]>>
    : never;
};
type Workflows<
  S extends string,
  F extends Definitions<FaultDefinition>,
  W extends Definitions<WorkflowDefinition>,
  I extends boolean,
> = {
  readonly [K in keyof W & string]: Workflow<
    S,
    K,
    SchemaInput<W[K]["input"]>,
    SchemaOutput<W[K]["input"]>,
    SchemaOutput<W[K]["output"]>,
    FaultTypes<S, F, Named<W[K]>>,
    I,
    Signals<`${S}.${K}`, W[K]["signals"]>
  >;
};

/** What the kernel, the gateway and the tools read of a contract. `ledger.post` is also `ledger.contract.commands.post`. */
export interface ContractParts<
  S extends string = string,
  C = object,
  Q = object,
  E = object,
  J = object,
  F = object,
  W = object,
> {
  readonly name: S;
  readonly commands: C;
  readonly queries: Q;
  readonly events: E;
  readonly jobs: J;
  readonly workflows: W;
  readonly faults: F;
  /** All that can be called: commands, queries, workflows. */
  readonly actions: readonly AnyAction[];
}

/** A contract of any service. */
export interface AnyContract {
  readonly contract: ContractParts<
    string,
    Definitions<Command<string, string, unknown, unknown, unknown, unknown>>,
    Definitions<Query<string, string, unknown, unknown, unknown, unknown>>,
    Definitions<Event<string, string, unknown, unknown>>,
    Definitions<Job<string, string, unknown, unknown>>,
    Definitions<AnyFaultType>,
    Definitions<AnyWorkflow>
  >;
}

/** Slots are handed out once per process: an application's table has a row for each action that was ever defined. */
let slots = 0;
const reserved = ["contract", "faults"];

/**
 * Declares all that others may know of a service: its commands, queries, events, jobs, workflows and faults, each a property of
 * the result. Throws where two share a name.
 */
export function defineContract<
  const S extends string,
  F extends Definitions<FaultDefinition> = Record<never, never>,
  C extends Definitions<CommandDefinition> = Record<never, never>,
  Q extends Definitions<QueryDefinition> = Record<never, never>,
  E extends Definitions<EventDefinition> = Record<never, never>,
  J extends Definitions<JobDefinition> = Record<never, never>,
  W extends Definitions<WorkflowDefinition> = Record<never, never>,
  const I extends boolean = false,
>(
  name: S,
  parts: {
    readonly faults?: F;
    readonly commands?: C & Declared<C, F>;
    readonly queries?: Q & Declared<Q, F>;
    readonly events?: E;
    readonly jobs?: J;
    readonly workflows?: W & Declared<W, F>;
    /** How its calls leave the process; see RemotePolicy. An action may say otherwise. */
    readonly remote?: RemotePolicy;
    /**
     * Each node that serves it owns some instances, and each call names one: `ctx.call(project.close, input, { key: "p-17" })`.
     * See `instances` of `implement`.
     */
    readonly instanced?: I;
  },
): Commands<S, F, C, I> &
  Queries<S, F, Q, I> &
  Events<S, E> &
  Jobs<S, J> &
  Workflows<S, F, W, I> & {
    readonly faults: FaultTypes<S, F>;
    readonly contract: ContractParts<
      S,
      Commands<S, F, C, I>,
      Queries<S, F, Q, I>,
      Events<S, E>,
      Jobs<S, J>,
      FaultTypes<S, F>,
      Workflows<S, F, W, I>
    >;
  } {
  if (!/^[a-z][a-zA-Z0-9]*$/.test(name))
    throw new Error(`"${name}" is no service name: use letters and digits, as in "ledger"`);
  const taken = new Set<string>(reserved);
  const ofContract = { instanced: parts.instanced ?? false, remote: parts.remote ?? {} };
  const address = (kind: string, definitions: object = {}) =>
    Object.fromEntries(
      Object.entries(definitions).map(([key, definition]) => {
        if (taken.has(key))
          throw new Error(
            `${name}.${key} is declared twice; commands, queries, events, jobs and workflows share one set of names`,
          );
        taken.add(key);
        return [
          key,
          { kind, service: name, name: key, id: `${name}.${key}`, slot: slots++, ...ofContract, definition },
        ];
      }),
    );
  const faults = Object.fromEntries(
    Object.entries(parts.faults ?? {}).map(([key, definition]) => [key, faultType(`${name}.${key}`, definition)]),
  );
  const kinds = {
    name,
    commands: address("command", parts.commands),
    queries: address("query", parts.queries),
    events: address("event", parts.events),
    jobs: address("job", parts.jobs),
    workflows: withSignals(address("workflow", parts.workflows)),
    faults,
  };
  const { commands, queries, events, jobs, workflows } = kinds;
  const actions = [commands, queries, workflows].flatMap((part) => Object.values(part));
  const contract = { ...kinds, actions };
  // The one cast between what was declared and its addressed values; contract.types.test.ts holds both to each other.
  return { ...commands, ...queries, ...events, ...jobs, ...workflows, faults, contract } as never;
}

function withSignals(addressed: object): object {
  return Object.fromEntries(
    Object.entries(addressed as Definitions<AnyWorkflow>).map(([key, workflow]) => {
      const signals = Object.entries(workflow.definition.signals ?? {}).map(([name, data]) => [
        name,
        { kind: "signal", id: `${workflow.id}.${name}`, data },
      ]);
      return [key, { ...workflow, signals: Object.fromEntries(signals) }];
    }),
  );
}

type Raised<T> = T extends FaultType<infer Code, infer Details> ? Fault<Code, Details> : never;

/** `error` as one of the faults that the action declares, so that a switch over its code is exhaustive; else undefined. */
export function faultOf<F>(
  action:
    | Command<string, string, unknown, unknown, unknown, F>
    | Query<string, string, unknown, unknown, unknown, F>
    | Workflow<string, string, unknown, unknown, unknown, F>,
  error: unknown,
): Raised<F[keyof F]> | undefined {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return undefined;
  const [service, name] = error.code.split(".");
  const declared = service === action.service && action.definition.faults?.includes(name ?? "");
  return declared ? (error as Raised<F[keyof F]>) : undefined;
}
