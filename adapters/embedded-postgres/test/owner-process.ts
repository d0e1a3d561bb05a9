import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { EmbeddedPostgres, EmbeddedPostgresOptions, Outage } from "../src/index.ts";

export type OwnerEvent = {
  progress?: string;
  outage?: Outage;
  ready?: Omit<EmbeddedPostgres, "stop">;
  stopped?: "stopped" | "kept_by_another";
  error?: { code?: string; message: string };
};

export type OwnerProcess = {
  readonly child: ChildProcess;
  readonly events: OwnerEvent[];
  /** The next event that has `kind`, or one that came already and was not asked for. */
  next<Kind extends keyof OwnerEvent>(kind: Kind): Promise<NonNullable<OwnerEvent[Kind]>>;
  stop(): Promise<"stopped" | "kept_by_another">;
  kill(): void;
};

const owners: ChildProcess[] = [];

/** Runs test/owner-main.ts; `as` needs root. */
export function startOwner(
  options: EmbeddedPostgresOptions,
  as: { uid?: number; gid?: number; cwd?: string } = {},
): OwnerProcess {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("./owner-main.ts", import.meta.url)), JSON.stringify(options)],
    {
      ...as,
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  owners.push(child);
  const events: OwnerEvent[] = [];
  const waiting = new Set<() => void>();
  createInterface(child.stdout!).on("line", (line) => {
    events.push(JSON.parse(line));
    for (const wake of waiting) wake();
  });
  const unread = events;
  const take = <Kind extends keyof OwnerEvent>(kind: Kind) => {
    const index = unread.findIndex((event) => event[kind] !== undefined);
    return index < 0 ? undefined : unread.splice(index, 1)[0]?.[kind];
  };
  const next: OwnerProcess["next"] = (kind) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const error = kind === "error" ? undefined : take("error");
        const found = take(kind);
        if (found === undefined && error === undefined) return;
        waiting.delete(look);
        if (error === undefined) resolve(found!);
        else reject(new Error(error.message));
      };
      waiting.add(look);
      look();
    });
  return {
    child,
    events,
    next,
    stop: () => {
      child.stdin?.write("stop\n");
      return next("stopped");
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

/** Ends what a failed test left running; its server follows, which is this package's promise. */
export function killOwners(): void {
  for (const child of owners.splice(0)) child.kill("SIGKILL");
}
