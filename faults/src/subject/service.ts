import { setTimeout as pause } from "node:timers/promises";
import { type EventHandler, type Handler, implement, on } from "@banyan/kernel";
import { register, settledAmount } from "./contract.ts";

/** So long a job holds its lease: enough to be seen with it by another process. */
const holdMs = 200;

const add: Handler<typeof register.add> = async (ctx, operation) => {
  const { id, counter, amount } = operation;
  const [row] = await ctx.sql<{ value: number }>`
    INSERT INTO register.counter (name, value) VALUES (${counter}, ${amount})
    ON CONFLICT (name) DO UPDATE SET value = register.counter.value + ${amount} RETURNING value`;
  await ctx.sql`INSERT INTO register.operation (id, counter, amount) VALUES (${id}, ${counter}, ${amount})`;
  ctx.emit(register.added, operation);
  if (amount === settledAmount) ctx.enqueue(register.settle, { id });
  return { value: row?.value ?? 0 };
};

const note: EventHandler<typeof register.added, typeof register> = async (ctx, { id, counter, amount }) => {
  const [poisoned] = await ctx.sql`SELECT FROM register.poisoned WHERE counter = ${counter}`;
  if (poisoned !== undefined) throw new Error(`${counter} is poisoned`);
  await ctx.sql`
    INSERT INTO register.effect (id, counter, amount, version) VALUES (${id}, ${counter}, ${amount}, ${ctx.delivery.version})`;
};

/** Told that a run of a job began, and calls the answer when it has ended: outside its transaction, which may never commit. */
export type Watch = (id: string) => Promise<() => Promise<void>>;

/** One command, one event, one subscriber, one job: what every promise of delivery and of jobs is about. */
export function createRegisterService(watch: Watch) {
  const settle: Handler<typeof register.settle> = async (ctx, { id }) => {
    const ended = await watch(id);
    try {
      await pause(holdMs);
      await ctx.sql`INSERT INTO register.settled (id) VALUES (${id})`;
    } finally {
      await ended();
    }
  };
  return implement(register, {
    migrations: new URL("sql/", import.meta.url),
    commands: { add },
    jobs: { settle },
    subscriptions: { note: on(register.added, note, { attemptsMax: 3 }) },
  });
}
