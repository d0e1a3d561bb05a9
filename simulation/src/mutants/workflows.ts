import type { Service } from "@banyan/kernel";
import type { Store } from "@banyan/kernel/store";
import type { RunChange, StepRecord } from "@banyan/kernel/workflows";
import { jobs, messages } from "../memory/tables.ts";
import type { World } from "../world/world.ts";

function withWrites(store: Store, change: (given: RunChange) => RunChange): Store {
  const { runs } = store;
  return { ...store, runs: { ...runs, write: (changes) => runs.write(changes.map(change)) } };
}

function withSteps(store: Store, change: (steps: readonly StepRecord[]) => readonly StepRecord[]): Store {
  return withWrites(store, (given) => ("steps" in given ? { ...given, steps: change(given.steps) } : given));
}

/** What a step came to outside is not kept: who goes on with the run asks again, and has another answer. */
export function withoutCheckpoints(store: Store): Store {
  return withSteps(store, (steps) => steps.filter(({ kind, outcome }) => kind !== "run" || outcome === undefined));
}

/** A command's effect commits, and its idempotency record does not. */
export function withoutRecords(store: Store): Store {
  return {
    ...store,
    beginCommands(keys, budget) {
      const inner = store.beginCommands(keys, budget);
      return { ...inner, commit: (closing) => inner.commit({ ...closing, commands: [] }) };
    },
  };
}

/** Leases are over at once, and whoever had the run may write to it. With the fence nobody would see the first of both. */
export function unfenced(store: Store, { database }: World): Store {
  const written = withWrites(store, (given) => {
    if (given.do === "start") return given;
    const token = database.rows(jobs).get(given.claim.id)?.token ?? given.claim.token;
    return { ...given, claim: { ...given.claim, token } };
  });
  const claim: Store["jobs"]["claim"] = (types, limit, lease) => store.jobs.claim(types, limit, { ...lease, ms: 1 });
  return { ...written, jobs: { ...store.jobs, claim } };
}

/** A run that waits to hear something is not found by what it waits for. */
export function loseWakes(store: Store): Store {
  return withSteps(store, (steps) =>
    steps.map((step) => (step.kind === "wait" && step.endedAt === undefined ? { ...step, topic: undefined } : step)),
  );
}

/** Which message a step took is forgotten: the next one takes it again. */
export function takeMessagesTwice(store: Store, { database }: World): Store {
  const { runs } = store;
  return {
    ...store,
    runs: {
      ...runs,
      async load(ids) {
        const loaded = await runs.load(ids);
        return loaded.map((run) => {
          const topics = run.steps.flatMap(({ topic }) =>
            topic === undefined ? [] : [Buffer.from(topic).toString("hex")],
          );
          const heard = [...database.rows(messages).values()].filter(({ topic }) =>
            topics.includes(Buffer.from(topic).toString("hex")),
          );
          const steps = run.steps.map((step) =>
            step.message === undefined ? step : { ...step, message: "forgotten" },
          );
          return { ...run, steps, messages: heard.sort((a, b) => a.at - b.at) };
        });
      },
    },
  };
}

function withFlow(service: Service, change: (flow: object) => object): Service {
  const handlers = [...service.handlers].map(([action, handler]) => {
    if (action.kind !== "workflow" || typeof handler !== "function") return [action, handler] as const;
    return [action, (flow: unknown, input: unknown) => handler(change(flow as object), input)] as const;
  });
  return { ...service, handlers: new Map(handlers) };
}

/** The first step is undone first. */
export function undoForward(service: Service): Service {
  return withFlow(service, (flow) => {
    const { done } = flow as { done: unknown[] };
    done.reverse = () => done;
    return flow;
  });
}

/** What goes on beside a step that fails is forgotten. */
export function forgetBesides(service: Service): Service {
  return withFlow(service, (flow) => {
    (flow as { course: { fail(): Promise<void> } }).course.fail = async () => {};
    return flow;
  });
}

/** Steps have no names but their turns. */
export function nameByPosition(service: Service): Service {
  return withFlow(service, (flow) => {
    let turn = 0;
    const step =
      (act: (...given: unknown[]) => unknown) =>
      (_name: string, ...rest: unknown[]) =>
        act.call(flow, `step ${++turn}`, ...rest);
    const steps = ["call", "run", "transaction", "sleep", "waitFor"];
    return new Proxy(flow, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return steps.includes(String(name)) ? step(value) : value.bind(target);
      },
    });
  });
}
