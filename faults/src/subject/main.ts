import { isFault } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { createPostgresStore } from "@banyan/sql-postgres";
import { Pool } from "pg";
import { engineOf } from "../engines.ts";
import { register } from "./contract.ts";
import { type Failpoint, withLogFailpoints, withStoreFailpoints } from "./failpoints.ts";
import { createRegisterService, type Watch } from "./service.ts";

/** What the harness asks of a process. */
export type Question =
  | {
      readonly ask: "add";
      readonly number: number;
      readonly id: string;
      readonly counter: string;
      readonly amount: number;
    }
  | { readonly ask: "arm"; readonly number: number; readonly point: Failpoint; readonly nth: number }
  | { readonly ask: "disarm"; readonly number: number }
  | { readonly ask: "redrive"; readonly number: number }
  | { readonly ask: "backlog"; readonly number: number };

/** Its answer; `fault` is a fault's `retry`, or "unknown" for what is none. */
export interface Answer {
  readonly number: number;
  readonly value?: number;
  readonly fault?: string;
  readonly text?: string;
}

const { databaseUrl, logUrl, namespace, engine } = JSON.parse(process.argv[2] ?? "{}") as Record<string, string>;
let armed: { readonly point: Failpoint; left: number } | undefined;
const passed = (point: Failpoint) => {
  if (armed?.point === point && --armed.left === 0) process.kill(process.pid, "SIGKILL");
};

const store = withStoreFailpoints(createPostgresStore({ url: databaseUrl as string }), passed);
const log = await engineOf(engine as string).openLog(logUrl as string, namespace as string);
const watching = new Pool({
  connectionString: databaseUrl,
  max: 2,
  connectionTimeoutMillis: 2_000,
  query_timeout: 2_000,
});
watching.on("error", () => {});
/** What cannot be written down is not judged: the database is away, and so is every lease. */
const watch: Watch = async (id) => {
  const begin = "INSERT INTO register.run (id) VALUES ($1) RETURNING position";
  const begun = await watching.query<{ position: string }>(begin, [id]).catch(() => undefined);
  const end = "UPDATE register.run SET ended_at = clock_timestamp() WHERE position = $1";
  return async () => void (await watching.query(end, [begun?.rows[0]?.position]).catch(() => {}));
};

const app = createApp({
  services: [createRegisterService(watch)],
  // What a dead process held is free again before a round has ended.
  jobs: { leaseMs: 5_000 },
  store,
  ...(log !== undefined && { log: withLogFailpoints(log, passed) }),
});

async function jobsLeft(): Promise<number> {
  return (await app.jobs({ limit: 1 })).length;
}

async function answer(question: Question): Promise<number> {
  switch (question.ask) {
    case "add": {
      const { id, counter, amount } = question;
      return (await app.call(register.add, { id, counter, amount }, { idempotencyKey: id })).value;
    }
    case "arm":
      armed = { point: question.point, left: question.nth };
      return 0;
    case "disarm":
      armed = undefined;
      return 0;
    case "redrive": {
      const letters = await app.deadLetters({ limit: 1_000 });
      for (const { id } of letters.toReversed()) await app.redrive(id);
      return (await app.deadLetters({ limit: 1 })).length;
    }
    case "backlog":
      return (await app.lag()).unsentCount + (await jobsLeft());
  }
}

process.on("message", async (question: Question) => {
  const { number } = question;
  let reply: Answer;
  try {
    reply = { number, value: await answer(question) };
  } catch (error) {
    reply = { number, fault: isFault(error) ? error.retry : "unknown", text: String(error) };
  }
  process.send?.(reply);
});
const stop = () => void app.stop({ deadlineMs: 3_000 }).then(() => process.exit(0));
process.once("SIGTERM", stop);
process.once("disconnect", stop);
await app.start();
process.send?.({ number: 0 } satisfies Answer);
