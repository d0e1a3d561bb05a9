import { relative } from "node:path";
import { type App, systemIdentity } from "@banyan/kernel/app";
import { operate } from "../control/operate.ts";
import { type Operate, openControlServer } from "../control/server.ts";
import type { Steps } from "../output/steps.ts";
import type { LoadedConfig } from "../project/config.ts";
import {
  type DevelopmentKey,
  developmentKey,
  forgetServer,
  recordServer,
  runningServer,
  type ServerRecord,
} from "../project/data-folder.ts";
import { makeApplication, type Surroundings } from "./application.ts";
import { makeGateway } from "./gateway.ts";
import { openWatch } from "./watching.ts";

/** What the start-up table tells. */
export interface Served {
  readonly config: LoadedConfig;
  readonly url: string;
  readonly key: DevelopmentKey;
  /** Relative to the current folder. */
  readonly keyFile: string;
  readonly steps: Steps;
  /** What turned out otherwise than asked. */
  readonly notes: readonly string[];
}

/** Seeding is many commands one after another. */
const demoDeadlineMs = 30_000;

/** Starts everything in this process: the application, its demo in an empty store, the gateway, and the socket for operators. */
export async function serve(surroundings: Surroundings): Promise<Served> {
  const { config, environment, folder, steps, signal } = surroundings;
  const notes: string[] = [];
  const key = developmentKey(folder, environment.BANYAN_API_KEY);
  const { app, databaseUrl, start } = await makeApplication(surroundings);
  // Routes are made while the database migrates.
  const [gateway] = await Promise.all([makeGateway(app, key.key, surroundings), start()]);
  const name = { node: config.title, process: config.title };
  const watch = await openWatch(app, surroundings, name.node);
  await playDemo(app, notes, surroundings);
  signal.throwIfAborted();
  const { url, note } = await gateway.open();
  if (note !== undefined) notes.push(note);
  const operateHere: Operate = (request, flow) => operate({ app, checks: config.checks, watch, name }, request, flow);
  await openControl(operateHere, { key: key.key, url, databaseUrl }, { ...surroundings, notes });
  signal.throwIfAborted();
  return { config, url, key, keyFile: relative(process.cwd(), folder.keyFile), steps, notes };
}

/** Fills an empty store with the project's own example, where it has one. */
export async function playDemo(app: App, notes: string[], { config, steps }: Surroundings): Promise<void> {
  const { demo } = config;
  if (demo === undefined) return;
  const startedAt = performance.now();
  const play = () =>
    demo((action, input, { as: subject, ...options } = {}) => {
      const identity = subject === undefined ? systemIdentity : { ...systemIdentity, subject };
      return app.call(action, input, { deadlineMs: demoDeadlineMs, ...options, identity });
    });
  const did = await steps.watch("the demo", play).catch((error: Error) => {
    // A store without its demo serves as well as any other.
    notes.push(`The demo was not played to its end: ${error.message}.`);
    return undefined;
  });
  if (did !== undefined) steps.done.push({ name: "demo", detail: did, tookMs: performance.now() - startedAt });
}

/** Answers operators, and leaves word of where; unless another server on this data folder does already. */
export async function openControl(
  operateHere: Operate,
  found: Pick<ServerRecord, "key" | "url" | "databaseUrl">,
  { config, folder, openings, notes }: Surroundings & { readonly notes: string[] },
): Promise<void> {
  const other = await runningServer(folder);
  if (other !== undefined) {
    const database = other.databaseUrl === found.databaseUrl ? "they share the database" : "on another database";
    notes.push(`Another server (pid ${other.pid}, ${other.url}) runs on this data folder; ${database}.`);
    notes.push("Commands such as `banyan tail` talk to that one.");
    return;
  }
  const control = await openControlServer(folder.path, operateHere);
  openings.defer("control socket", () => control.close());
  const startedAt = new Date().toISOString();
  recordServer(folder, { pid: process.pid, title: config.title, ...found, socket: control.socketPath, startedAt });
  openings.defer("server record", async () => forgetServer(folder));
}
