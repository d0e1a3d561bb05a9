import { command, defineContract, type Handler, implement, query, type Service, workflow } from "@banyan/kernel";
import { z } from "zod";

const Sent = z.strictObject({ number: z.int(), sentMs: z.number() });
const Nothing = z.strictObject({});
const Many = z.strictObject({ count: z.int(), until: z.number().default(0) });
const asked = { access: "flows", version: 1 };
const started = { input: Many, output: Nothing, access: "flows" };

/** The smallest workflow that keeps a step, one that waits until a time, and one that is in the middle of its steps until it is let go. */
export const flows = defineContract("flows", {
  commands: { sleep: command(started), begin: command(started) },
  queries: {
    /** How many pairs go on; and the transactions of this database since its start. */
    counts: query({
      input: Nothing,
      output: z.object({ pairs: z.int(), transactions: z.int() }),
      access: "flows",
    }),
  },
  workflows: {
    one: workflow({ ...asked, input: Sent, output: Sent }),
    sleeper: workflow({ ...asked, input: z.strictObject({ until: z.number() }), output: Nothing }),
    pair: workflow({ ...asked, input: Nothing, output: Nothing }),
  },
});

/** What the runs tell the process that they are in. */
export interface Told {
  /** A sleeper woke so many milliseconds late. */
  woke(lateMs: number): void;
  /** In the second step of a pair; the run goes on when it resolves. */
  between(): Promise<void>;
}

export function flowsService({ woke, between }: Told): Service {
  const one: Handler<typeof flows.one> = (flow, message) => flow.run("step", () => message);
  const sleeper: Handler<typeof flows.sleeper> = async (flow, { until }) => {
    await flow.sleep("night", { until });
    woke(Date.now() - until);
    return {};
  };
  const pair: Handler<typeof flows.pair> = async (flow) => {
    await flow.run("first", () => {});
    await flow.run("second", between);
    return {};
  };
  const sleep: Handler<typeof flows.sleep> = (ctx, { count, until }) => {
    for (let number = 0; number < count; number++) ctx.start(flows.sleeper, { until });
    return {};
  };
  const begin: Handler<typeof flows.begin> = (ctx, { count }) => {
    for (let number = 0; number < count; number++) ctx.start(flows.pair, {});
    return {};
  };
  const counts: Handler<typeof flows.counts> = async (ctx) => {
    const [row] = await ctx.sql<{ pairs: number; transactions: number }>`
      SELECT (SELECT count(*) FROM banyan.workflow WHERE type = 'flows.pair' AND ended_at IS NULL) AS pairs,
        (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()) AS transactions`;
    return row ?? { pairs: 0, transactions: 0 };
  };
  return implement(flows, { commands: { sleep, begin }, queries: { counts }, workflows: { one, sleeper, pair } });
}
