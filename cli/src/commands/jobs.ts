import type { JobReport, JobState } from "@banyan/kernel/jobs";
import { CommandFailure } from "../failure.ts";
import { firstLine, printWhetherMore } from "../output/listing.ts";
import { duration, print, printJson, table } from "../output/terminal.ts";
import { withOperator } from "../platform/with-operator.ts";

interface Wanted {
  readonly json?: boolean;
  readonly state?: string;
  readonly type?: string;
  readonly limit: number;
}

/** Prints jobs that are not done. */
export async function listJobs({ json, state, type, limit }: Wanted): Promise<void> {
  const filter = { ...(state !== undefined && { state: state as JobState }), ...(type !== undefined && { type }) };
  const jobs = (await withOperator((operator) =>
    operator.ask({ do: "jobs", limit, ...filter }),
  )) as readonly JobReport[];
  if (json) return printJson(jobs);
  if (jobs.length === 0) return print("There are no such jobs.");
  print(table([["ID", "JOB", "STATE", "RUNS", "WHEN", "ABOUT"], ...jobs.map((job) => lineOf(job, Date.now()))]));
  printWhetherMore(jobs.length, limit);
  if (jobs.some((job) => job.state === "dead")) print("Run a dead one again with `banyan jobs retry ID`.");
}

function lineOf({ id, type, state, attempts, dueAt, owner, error, after }: JobReport, now: number): string[] {
  const fromNow = duration(Math.abs(dueAt - now));
  const when = dueAt > now ? `in ${fromNow}` : `${fromNow} ago`;
  const about = {
    running: `by ${owner}, whose lease ends then`,
    blocked: `after ${after.join(", ")}`,
    dead: firstLine(error),
    waiting: firstLine(error),
    delayed: firstLine(error),
    paused: "",
  };
  return [id, type, state, String(attempts), when, about[state]];
}

/** Gives one dead job its attempts back. */
export async function retryJob(id: string, { json }: { readonly json?: boolean }): Promise<void> {
  const retried = await withOperator((operator) => operator.ask({ do: "retryJob", id }));
  if (retried !== true)
    throw new CommandFailure(
      `There is no dead job ${id}, or a living one does its work.`,
      "`banyan jobs --state dead` lists them.",
    );
  if (json) printJson({ id, retried });
  else print(`${id} runs again.`);
}

/** Lets no process begin a job of the type. */
export async function pauseJobs(type: string, { json }: { readonly json?: boolean }): Promise<void> {
  await withOperator((operator) => operator.ask({ do: "pauseJobs", type }));
  if (json) printJson({ type, paused: true });
  else print(`${type} is paused: what runs goes on, and nothing begins until \`banyan jobs resume ${type}\`.`);
}

export async function resumeJobs(type: string, { json }: { readonly json?: boolean }): Promise<void> {
  await withOperator((operator) => operator.ask({ do: "resumeJobs", type }));
  if (json) printJson({ type, paused: false });
  else print(`${type} runs again.`);
}
