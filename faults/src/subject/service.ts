import { type EventHandler, type Handler, implement, on } from "@banyan/kernel";
import { register } from "./contract.ts";

const add: Handler<typeof register.add> = async (ctx, operation) => {
  const { id, counter, amount } = operation;
  const [row] = await ctx.sql<{ value: number }>`
    INSERT INTO register.counter (name, value) VALUES (${counter}, ${amount})
    ON CONFLICT (name) DO UPDATE SET value = register.counter.value + ${amount} RETURNING value`;
  await ctx.sql`INSERT INTO register.operation (id, counter, amount) VALUES (${id}, ${counter}, ${amount})`;
  ctx.emit(register.added, operation);
  return { value: row?.value ?? 0 };
};

const note: EventHandler<typeof register.added, typeof register> = async (ctx, { id, counter, amount }) => {
  const [poisoned] = await ctx.sql`SELECT FROM register.poisoned WHERE counter = ${counter}`;
  if (poisoned !== undefined) throw new Error(`${counter} is poisoned`);
  await ctx.sql`
    INSERT INTO register.effect (id, counter, amount, version) VALUES (${id}, ${counter}, ${amount}, ${ctx.delivery.version})`;
};

/** One command, one event, one subscriber: what every promise of delivery is about. */
export const registerService = implement(register, {
  migrations: new URL("sql/", import.meta.url),
  commands: { add },
  subscriptions: { note: on(register.added, note, { attemptsMax: 3 }) },
});
