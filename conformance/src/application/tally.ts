import {
  type BatchHandler,
  batched,
  command,
  defineContract,
  type EventHandler,
  type EventsHandler,
  event,
  fault,
  type Handler,
  implement,
  job,
  on,
  onMany,
  query,
  type Service,
} from "@banyan/kernel";
import type { Sql } from "@banyan/kernel/store";
import { z } from "zod";

const Addition = z.strictObject({ name: z.string(), amount: z.int(), behave: z.string().default("well") });
const Added = z.strictObject({ name: z.string(), amount: z.int() });

/** How old an answer of `tally.briefly` may be. */
export const brieflyMs = 400;

/** The service that the suite drives: it counts, and misbehaves on request. */
export const tally = defineContract("tally", {
  faults: { tooMuch: fault("conflict", z.strictObject({ name: z.string() })) },
  commands: {
    add: command({ input: Addition, output: z.object({ value: z.int() }), faults: ["tooMuch"], access: "tally:write" }),
    addMany: command({
      input: Addition,
      output: z.object({ value: z.int() }),
      faults: ["tooMuch"],
      access: "tally:write",
    }),
    addBeside: command({ input: Addition, output: z.object({}), access: "tally:write" }),
    swap: command({
      input: z.strictObject({ first: z.string(), second: z.string() }),
      output: z.object({}),
      access: "tally:write",
    }),
    /** Its answer holds a secret. */
    tell: command({
      input: Addition,
      output: z.object({ secret: z.string() }),
      answers: "once",
      access: "tally:write",
    }),
    tellMany: command({
      input: Addition,
      output: z.object({ secret: z.string() }),
      answers: "once",
      access: "tally:write",
    }),
    later: command({ input: Addition, output: z.object({}), access: "tally:write" }),
  },
  queries: {
    value: query({
      input: z.strictObject({ name: z.string() }),
      output: z.object({ value: z.int() }),
      access: "tally:read",
    }),
    cached: query({
      input: z.strictObject({ name: z.string() }),
      output: z.object({ value: z.int() }),
      access: "tally:read",
      cache: { ttlMs: 60_000, tags: ({ name }) => [name] },
    }),
    briefly: query({
      input: z.strictObject({ name: z.string() }),
      output: z.object({ value: z.int() }),
      access: "tally:read",
      cache: { ttlMs: brieflyMs },
    }),
    meddle: query({ input: z.strictObject({}), output: z.object({}), access: "tally:read" }),
  },
  events: { added: event({ data: Added, key: ({ name }) => name }) },
  jobs: {
    work: job({ input: Addition, attemptsMax: 3 }),
    tick: job({ input: z.strictObject({}), schedule: { everyMs: 100 } }),
  },
});

/** What the suite turns while it runs. */
export interface Behaviour {
  /** Called by the subscription before its effect; throws to fail it. */
  onDelivery: (data: { name: string; amount: number }, attempt: number) => void | Promise<void>;
  /** The subscription's effect; null for the row that says what was heard. */
  onEffect: ((sql: Sql, data: { name: string; amount: number }) => Promise<unknown>) | null;
  /** Called by the job before its effect. */
  onWork: (attempt: number) => void | Promise<void>;
  /** Called by `swap` between its two updates, and by each group of `addBeside`. */
  between: () => Promise<void>;
  batchSizes: number[];
  foldSizes: number[];
  ticks: number;
  /** What a handler kept of its context, to misuse it after its end. */
  leaked: (() => void) | undefined;
}

type Uses = { behaviour: Behaviour };

const add: Handler<typeof tally.add, Uses> = async (ctx, { name, amount, behave }) => {
  const { tenant } = ctx.identity;
  const [row] = await ctx.sql<{ value: number }>`
    INSERT INTO tally.counter (tenant, name, value) VALUES (${tenant}, ${name}, ${amount})
    ON CONFLICT (tenant, name) DO UPDATE SET value = tally.counter.value + ${amount} RETURNING value`;
  ctx.emit(tally.added, { name, amount });
  ctx.invalidate(name);
  ctx.uses.behaviour.leaked = () => ctx.emit(tally.added, { name, amount });
  if (behave === "fault") throw ctx.faults.tooMuch({ name });
  if (behave === "bug") throw new Error("a bug");
  if (behave === "slow") await new Promise((resolve) => setTimeout(resolve, 300));
  return { value: row?.value ?? 0 };
};

const addMany: BatchHandler<typeof tally.addMany, Uses> = async (ctx, items) => {
  ctx.uses.behaviour.batchSizes.push(items.length);
  const good = items.filter(({ input }) => input.behave === "well" || input.behave === "bug");
  if (items.some(({ input }) => input.behave === "bug")) throw new Error("a bug");
  await ctx.sql`
    INSERT INTO tally.effect (source, name, amount)
    SELECT 'batch', name, amount FROM unnest(${good.map(({ input }) => input.name)}::text[], ${good.map(({ input }) => input.amount)}::bigint[]) AS item (name, amount)`;
  return items.map((item) => {
    if (!good.includes(item)) return ctx.faults.tooMuch({ name: item.input.name });
    item.emit(tally.added, { name: item.input.name, amount: item.input.amount });
    return { value: item.input.amount };
  });
};

const addBeside: BatchHandler<typeof tally.addBeside, Uses> = async (ctx, items) => {
  const { behaviour } = ctx.uses;
  behaviour.batchSizes.push(items.length);
  await behaviour.between();
  for (const { emit, input } of items) emit(tally.added, { name: input.name, amount: input.amount });
  return items.map(() => ({}));
};

const swap: Handler<typeof tally.swap, Uses> = async (ctx, { first, second }) => {
  const { tenant } = ctx.identity;
  await ctx.sql`UPDATE tally.counter SET value = value + 1 WHERE tenant = ${tenant} AND name = ${first}`;
  await ctx.uses.behaviour.between();
  await ctx.sql`UPDATE tally.counter SET value = value + 1 WHERE tenant = ${tenant} AND name = ${second}`;
  return {};
};

const read: Handler<typeof tally.value, Uses> = async (ctx, { name }) => {
  const [row] = await ctx.sql<{ value: number }>`
    SELECT value FROM tally.counter WHERE tenant = ${ctx.identity.tenant} AND name = ${name}`;
  return { value: row?.value ?? 0 };
};

const work: Handler<typeof tally.work, Uses> = async (ctx, { name, amount }) => {
  await ctx.call(tally.add, { name, amount });
  await ctx.sql`INSERT INTO tally.effect (source, name, amount) VALUES ('job', ${name}, ${amount})`;
  await ctx.uses.behaviour.onWork(ctx.job.attempt);
};

const react: EventHandler<typeof tally.added, typeof tally, Uses> = async (ctx, data) => {
  await ctx.uses.behaviour.onDelivery(data, ctx.delivery.attempt);
  const { onEffect } = ctx.uses.behaviour;
  if (onEffect !== null) await onEffect(ctx.sql, data);
  else await ctx.sql`INSERT INTO tally.effect (source, name, amount) VALUES ('event', ${data.name}, ${data.amount})`;
};

const fold: EventsHandler<typeof tally.added, typeof tally, Uses> = async (ctx, additions) => {
  ctx.uses.behaviour.foldSizes.push(additions.length);
  if (additions.some(({ name }) => name === "unfoldable")) throw new Error("cannot fold this");
  const names = additions.map(({ name }) => name);
  const amounts = additions.map(({ amount }) => amount);
  await ctx.sql`
    INSERT INTO tally.total AS t (name, amount)
    SELECT name, sum(amount)::bigint FROM unnest(${names}::text[], ${amounts}::bigint[]) AS item (name, amount) GROUP BY name
    ON CONFLICT (name) DO UPDATE SET amount = t.amount + excluded.amount`;
};

export function tallyService(behaviour: Behaviour): Service {
  return implement(tally, {
    uses: { behaviour },
    migrations: new URL("sql/", import.meta.url),
    commands: {
      add,
      addMany: batched(addMany),
      addBeside: batched(addBeside, { itemsMax: 4, groupsMax: 2 }),
      swap,
      tell: (_ctx, { name }) => ({ secret: `${name}'s secret` }),
      tellMany: batched(async (_ctx, items) => items.map(({ input }) => ({ secret: `${input.name}'s secret` }))),
      later: (ctx, input) => {
        ctx.enqueue(tally.work, input);
        return {};
      },
    },
    queries: {
      value: read,
      cached: (ctx, input) => read(ctx, input),
      briefly: (ctx, input) => read(ctx, input),
      meddle: async (ctx) => {
        await ctx.sql`DELETE FROM tally.counter`;
        return {};
      },
    },
    jobs: {
      work,
      tick: (ctx) => {
        ctx.uses.behaviour.ticks++;
      },
    },
    subscriptions: { react: on(tally.added, react, { attemptsMax: 3 }) },
    projections: {
      total: { folds: [onMany(tally.added, fold, { attemptsMax: 2 })], reset: (sql) => sql`TRUNCATE tally.total` },
    },
  });
}
