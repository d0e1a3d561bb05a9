import type { NewJob } from "@banyan/kernel/store";
import { CommandFailure } from "../failure.ts";
import { print, printJson, table } from "../output/terminal.ts";
import { withOperator } from "../platform/with-operator.ts";

type DeadJob = NewJob & { readonly attempts: number; readonly error: string };

/** Prints the newest dead jobs. */
export async function listDeadJobs({ json }: { readonly json?: boolean }): Promise<void> {
  const jobs = (await withOperator((operator) => operator.ask({ do: "deadJobs" }))) as DeadJob[];
  if (json) return printJson(jobs);
  if (jobs.length === 0) return print("There are no dead jobs.");
  const rows = jobs.map(({ id, type, attempts, error }) => [
    id,
    type,
    String(attempts),
    (error.split("\n")[0] ?? "").slice(0, 120),
  ]);
  print(table([["ID", "JOB", "ATTEMPTS", "ERROR"], ...rows]));
  print("Run one again with `banyan dead-jobs revive ID`.");
}

/** Gives one dead job its attempts back. */
export async function reviveDeadJob(id: string, { json }: { readonly json?: boolean }): Promise<void> {
  const revived = await withOperator((operator) => operator.ask({ do: "reviveJob", id }));
  if (revived !== true) throw new CommandFailure(`There is no dead job ${id}.`, "`banyan dead-jobs` lists them.");
  if (json) printJson({ id, revived });
  else print(`${id} runs again.`);
}
