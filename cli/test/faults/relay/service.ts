import { type EventHandler, type EventsHandler, type Handler, implement, on, onMany } from "@banyan/kernel";
import { relay } from "./contract.ts";

const say: Handler<typeof relay.say> = async (ctx, { words }) => {
  for (const word of words) ctx.emit(relay.said, word);
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

/** Fails, with all that came along, for a word that is poisoned. */
const hearTogether: EventsHandler<typeof relay.said, typeof relay> = async (ctx, words) => {
  for (const { key, n } of words) {
    const poisoned = await ctx.sql`SELECT FROM relay.poison WHERE key = ${key} AND n = ${n}`;
    if (poisoned.length > 0) throw new Error(`${key}:${n} is poisoned`);
    await ctx.sql`INSERT INTO relay.together (key, n) SELECT ${key}, ${n} FROM pg_sleep(0.003)`;
  }
};

const count: EventHandler<typeof relay.said, typeof relay> = async (ctx, { key, n }) => {
  await ctx.sql`
    INSERT INTO relay.tally AS t (key, word_count, last_n) VALUES (${key}, 1, ${n})
    ON CONFLICT (key) DO UPDATE SET word_count = t.word_count + 1, last_n = excluded.last_n`;
};

export const relayService = implement(relay, {
  migrations: new URL("./sql/", import.meta.url),
  commands: { say },
  subscriptions: {
    hear: on(relay.said, hear),
    hearEcho: on(relay.echoed, hearEcho),
    hearTogether: onMany(relay.said, hearTogether),
  },
  projections: { tally: { folds: [on(relay.said, count)], reset: (sql) => sql`TRUNCATE relay.tally` } },
});
