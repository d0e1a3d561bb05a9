import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Authenticator } from "@banyan/gateway";
import type { Returned, Sent, Service } from "@banyan/kernel";
import type { AnyAction, AnyQuery } from "@banyan/kernel/app";
import { z } from "zod";
import { usageFailure } from "../failure.ts";
import type { ImportReport } from "./import-report.ts";

/** A root call, as `App` has it: in this process or over HTTP, who calls cannot tell. */
export type Call = <A extends AnyAction>(
  action: A,
  input: Sent<A>,
  options?: { readonly idempotencyKey?: string; readonly deadlineMs?: number },
) => Promise<Returned<A>>;

/** The demo plays several people; `as` says who, where it is not the platform itself. */
export type DemoCall = <A extends AnyAction>(
  action: A,
  input: Sent<A>,
  options?: { readonly idempotencyKey?: string; readonly as?: string },
) => Promise<Returned<A>>;

/** One thing that somebody did while a demo was shown. */
export interface DemoStep {
  /** "shop", "bank" */
  readonly who: string;
  /** "captures 49.90 EUR": goes on from `who`. */
  readonly did: string;
  /** Amounts and ids, by name. */
  readonly facts: Readonly<Record<string, string | number>>;
}

/** What a demo is given. It says each step as soon as it is done. */
export interface DemoRun {
  readonly call: DemoCall;
  say(step: DemoStep): void;
  readonly signal: AbortSignal;
}

/** Shows, on a running application, what it is for; `banyan demo` runs it under its name. Can be shown again and again. */
export interface Demo {
  /** One line for `banyan demo`. */
  readonly summary: string;
  run(run: DemoRun): Promise<void>;
}

/** What an importer is given. It reads `files` one after another and says after each piece how far it is. */
export interface ImportRun {
  readonly files: readonly string[];
  readonly call: Call;
  /** `doneBytes` of `totalBytes` of all files. */
  progress(doneBytes: number, totalBytes: number): void;
  readonly signal: AbortSignal;
}

/** Brings one kind of file in through the public actions; `banyan import` runs it under its name. */
export interface Importer {
  /** One line for `banyan import --help`. */
  readonly summary: string;
  run(run: ImportRun): Promise<ImportReport>;
}

/** What a command of a project is given. */
export interface CommandRun {
  readonly call: Call;
  /** What was given for `takes`, in order. */
  readonly given: readonly string[];
  /** By their long names. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  /** Shows one result: as a line of JSON with --json, else as the text. */
  show(value: unknown, text: string): void;
  readonly signal: AbortSignal;
}

/** A command of a project's own, among those of `banyan`. It always has --json, --url and --key. */
export interface ProjectCommand {
  /** One line for `--help`. */
  readonly summary: string;
  /** As commander writes what follows the name: "<id>", "[types...]". */
  readonly takes?: string;
  /** "--since <moment>", and one line about it. */
  readonly options?: readonly (readonly [flags: string, summary: string])[];
  readonly examples: readonly string[];
  run(run: CommandRun): Promise<void>;
}

const typed = <T>(holds: (value: object) => boolean, message: string) =>
  z.custom<T>((value) => typeof value === "object" && value !== null && holds(value), message);
const called = <T>(message: string) => z.custom<T>((value) => typeof value === "function", message);
/** By the name that a command takes. */
const named = <T extends z.ZodType>(value: T) =>
  z.record(z.string().regex(/^[a-z][a-z0-9-]*$/, "use lower-case letters, digits and dashes"), value).default({});

const Config = z.strictObject({
  /** Named in the start-up table and the API reference. */
  title: z.string().min(1).default("Banyan"),
  /** Of the API, for its reference, and of the services, for a broker's tools. */
  version: z
    .string()
    .regex(/^\d+\.\d+\.\d+([-+][\w.+-]+)?$/, "must be a semantic version, as 1.4.0")
    .default("0.1.0"),
  services: z
    .array(typed<Service>((value) => "contract" in value && "handlers" in value, "make it with implement(contract, …)"))
    .min(1),
  /**
   * Where services run with `banyan start --topology split`: `{ books: { services: ["statements", "reconciliation"] } }`. A
   * service that no process names gets one of its own, and the gateway is in the process "edge".
   */
  processes: z
    .record(
      z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, "use lower-case letters, digits and dashes, 40 at most"),
      z.strictObject({
        services: z.array(z.string()).default([]),
        /** How many of it run. */
        count: z.int().min(1).max(64).default(1),
      }),
    )
    .default({}),
  /** 0 takes any free port. The environment's PORT and HOST come first. */
  port: z.int().min(0).max(65_535).default(3000),
  host: z.string().min(1).default("127.0.0.1"),
  /**
   * For how many days the store keeps what it could let go of: what subscribers have handled (7, which is how far back events can
   * be sent again), and, for ever unless given, events, the records of commands, and runs of workflows that have ended.
   */
  retention: z
    .strictObject({
      replayDays: z.int().min(1).optional(),
      eventDays: z.int().min(1).optional(),
      commandDays: z.int().min(1).optional(),
      workflowDays: z.int().min(1).optional(),
    })
    .refine(({ replayDays = 7, eventDays = replayDays }) => eventDays >= replayDays, {
      path: ["eventDays"],
      message: "must be at least replayDays: what can be sent again must be kept",
    })
    .default({}),
  /** Who is let in beside whoever has the API key; asked in this order. Whoever none of them knows is refused. */
  authenticators: called<(call: Call) => Promise<readonly Authenticator[]>>("must be a function of `call`").optional(),
  /** Origins whose pages may call, as "https://app.example"; "*" for all. */
  corsOrigins: z.array(z.string()).default([]),
  /** Fills an empty store, and answers what it did in a few words; undefined where the store was not empty. */
  demo: called<(call: DemoCall) => Promise<string | undefined>>("must be a function of `call`").optional(),
  /** `banyan demo NAME` */
  demos: named(typed<Demo>((value) => "summary" in value && "run" in value, "must have a summary and run()")),
  /** `banyan import NAME FILE…` */
  importers: named(typed<Importer>((value) => "summary" in value && "run" in value, "must have a summary and run()")),
  /** Queries that take {} and answer { ok }; `banyan verify` asks each. */
  checks: z
    .array(typed<AnyAction>((value) => "kind" in value && value.kind === "query", "must be a query"))
    .default([]),
  /** Queries that take {}; each number that they answer is a gauge of /metrics: `events_totals_in_flight` for events.totals. */
  gauges: z.array(typed<AnyQuery>((value) => "kind" in value && value.kind === "query", "must be a query")).default([]),
  /** `banyan GROUP NAME`: commands of the project's own. */
  commands: named(
    named(typed<ProjectCommand>((value) => "summary" in value && "run" in value, "must have a summary and run()")),
  ),
  /** Commands worth trying, printed at the start. `key` is a shell expression that yields the development key. */
  examples: called<(at: { url: string; key: string }) => readonly string[]>("must be a function").optional(),
});

/** What a banyan.config.ts says. Only `services` must be there. */
export type BanyanConfig = z.input<typeof Config>;
export type LoadedConfig = z.output<typeof Config>;

/** Types a `banyan.config.ts`: `export default defineConfig({ services: [ordersService] })`. */
export function defineConfig(config: BanyanConfig): BanyanConfig {
  return config;
}

/** The nearest banyan.config.ts (or .js, .mjs), from `from` upwards. */
export function findConfig(from = process.cwd()): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    for (const name of ["banyan.config.ts", "banyan.config.js", "banyan.config.mjs"]) {
      if (existsSync(join(folder, name))) return join(folder, name);
    }
    if (dirname(folder) === folder) return undefined;
  }
}

/** The same. Throws a usage failure where there is none. */
export function locateConfig(from = process.cwd()): string {
  const found = findConfig(from);
  if (found !== undefined) return found;
  throw usageFailure(
    `No banyan.config.ts in ${from} or above it.`,
    'Run this inside a project, or write one: import { defineConfig } from "@banyan/cli"; export default defineConfig({ services: [] });',
  );
}

/** Loads the file and checks what it says. Throws a usage failure that says what is wrong and where. */
export async function loadConfig(path = locateConfig()): Promise<LoadedConfig> {
  const { default: exported } = await importConfig(path);
  const result = Config.safeParse(exported);
  if (result.success) return result.data;
  const issues = result.error.issues.map(
    (issue) => `  ${issue.path.join(".") || "(default export)"}: ${issue.message}`,
  );
  throw usageFailure(
    `${path} is wrong:\n${issues.join("\n")}`,
    "Correct it and start again; unknown keys are refused.",
  );
}

/** What went wrong, and where in the project: not where in Node and in packages. */
function whereOf(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text
    .split("\n")
    .filter((line) => !/^\s+at .*(?:node:|\/node_modules\/)/.test(line))
    .join("\n");
}

async function importConfig(path: string): Promise<{ default?: unknown }> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    throw usageFailure(`${path} cannot be loaded: ${whereOf(error)}`, "Correct what is named above and start again.");
  }
}
