import { type EventHandler, type Handler, implement, on } from "@banyan/kernel";
import { relay } from "./contract.ts";

const say: Handler<typeof relay.say> = async (ctx, word) => {
  ctx.emit(relay.said, word);
  return {};
};

/** Slow enough that a process dies with deliveries under way; no constraint hides a second effect. */
const hear: EventHandler<typeof relay.said, typeof relay> = async (ctx, { key, n }) => {
  await ctx.sql`INSERT INTO relay.heard (key, n) SELECT ${key}, ${n} FROM pg_sleep(0.003)`;
  ctx.emit(relay.echoed, { key, n });
};

const hearEcho: EventHandler<typeof relay.echoed, typeof relay> = async (ctx, { key, n }) => {
  await ctx.sql`INSERT INTO relay.echo (key, n) VALUES (${key}, ${n})`;
};

const count: EventHandler<typeof relay.said, typeof relay> = async (ctx, { key, n }) => {
  await ctx.sql`
    INSERT INTO relay.tally AS t (key, word_count, last_n) VALUES (${key}, 1, ${n})
    ON CONFLICT (key) DO UPDATE SET word_count = t.word_count + 1, last_n = excluded.last_n`;
};

export const relayService = implement(relay, {
  migrations: new URL("./sql/", import.meta.url),
  commands: { say },
  subscriptions: { hear: on(relay.said, hear), hearEcho: on(relay.echoed, hearEcho) },
  projections: { tally: { folds: [on(relay.said, count)], reset: (sql) => sql`TRUNCATE relay.tally` } },
});
