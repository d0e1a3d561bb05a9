import {
  command,
  defineContract,
  event,
  fault,
  type Handler,
  implement,
  query,
  type Service,
  workflow,
} from "@banyan/kernel";
import { z } from "zod";

const Named = z.strictObject({ name: z.string() });

function ordersOf(version: number) {
  return defineContract("orders", {
    faults: { refused: fault("conflict", z.strictObject({ why: z.string() })), soldOut: fault("conflict") },
    commands: {
      begin: command({ input: Named, output: z.object({ run: z.string() }), access: "orders" }),
    },
    events: { begun: event({ data: Named, key: ({ name }) => name }) },
    workflows: {
      place: workflow({
        input: Named,
        output: z.object({ said: z.string() }),
        faults: ["refused"],
        access: "orders",
        version,
        stepsMax: 20,
        signals: { decided: z.strictObject({ yes: z.boolean() }) },
      }),
      pack: workflow({ input: Named, output: z.object({ said: z.string() }), access: "orders" }),
    },
  });
}

/** The services that the suite drives: a workflow whose handler each test writes, and commands that it calls. */
export const orders = ordersOf(2);
/** What a later release of it has. */
export const laterOrders = ordersOf(3);

/** Another service: what of it takes effect is told to the suite. */
export const stock = defineContract("stock", {
  faults: { gone: fault("conflict", z.strictObject({ name: z.string() })), away: fault("unavailable") },
  commands: {
    take: command({ input: Named, output: z.object({ left: z.number() }), faults: ["gone", "away"], access: "stock" }),
    give: command({ input: Named, output: z.object({}), access: "stock" }),
    tell: command({ input: Named, output: z.object({}), access: "stock" }),
    key: command({ input: Named, output: z.object({ secret: z.string() }), answers: "once", access: "stock" }),
  },
  queries: { left: query({ input: Named, output: z.object({ left: z.number() }), access: "stock" }) },
  events: { told: event({ data: Named, key: ({ name }) => name }) },
});

type Place = Handler<typeof orders.place>;

/** What a test turns, and what it sees. */
export interface Behaviour {
  readonly contract: typeof orders;
  /** The process's wall clock. */
  now: () => number;
  place: Place;
  pack: Handler<typeof orders.pack>;
  /** What took effect outside the runs, in order. */
  readonly effects: string[];
  /** Called by `take` before it says what is left. */
  onTake: (name: string) => void;
}

export function ordersServices(behaviour: Behaviour): Service[] {
  return [
    implement(behaviour.contract, {
      commands: { begin: (ctx, input) => ({ run: ctx.start(behaviour.contract.place, input) }) },
      workflows: {
        place: (flow, input) => behaviour.place(flow, input),
        pack: (flow, input) => behaviour.pack(flow, input),
      },
      awaits: [stock.told],
    }),
    implement(stock, {
      commands: {
        take: (ctx, { name }) => {
          behaviour.onTake(name);
          if (name === "gone") throw ctx.faults.gone({ name });
          behaviour.effects.push(`take ${name}`);
          return { left: 3 };
        },
        give: (_, { name }) => {
          behaviour.effects.push(`give ${name}`);
          return {};
        },
        tell: (ctx, input) => {
          ctx.emit(stock.told, input);
          return {};
        },
        key: (_, { name }) => ({ secret: `${name}'s key` }),
      },
      queries: { left: () => ({ left: 3 }) },
    }),
  ];
}
