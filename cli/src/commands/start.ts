import { flushCompileCache } from "node:module";
import { hostname } from "node:os";
import { exitCodes } from "../failure.ts";
import { Steps } from "../output/steps.ts";
import { duration, note, print, printJson } from "../output/terminal.ts";
import type { Surroundings } from "../platform/application.ts";
import { openDatabase } from "../platform/database.ts";
import { readyJson, readyText } from "../platform/ready.ts";
import { Openings } from "../process/openings.ts";
import { listenForStop } from "../process/signals.ts";
import { holdYoungGeneration } from "../process/young-generation.ts";
import { loadConfig, locateConfig } from "../project/config.ts";
import { createDataFolder, dataFolderOf } from "../project/data-folder.ts";
import { readEnvironment } from "../project/environment.ts";

const exitWithinMs = 500;

/** How much of the application this process runs. */
interface StartOptions {
  readonly json?: boolean;
  readonly topology?: "local" | "split";
  /** Of the split topology: this process alone, under the name of `node`. */
  readonly process?: string;
  readonly node?: string;
  /** It is started by a supervisor, which waits for its word and takes the terminal's signals. */
  readonly supervised?: boolean;
}

/**
 * Starts everything, or what one process of a split topology has, and runs until it is told to stop: SIGTERM, SIGINT, SIGHUP
 * drain and exit 0, a second one cuts.
 */
export async function start(options: StartOptions): Promise<void> {
  const letYoungGenerationGrow = holdYoungGeneration();
  const environment = readEnvironment();
  const stopping = new AbortController();
  const { signal } = stopping;
  const openings = new Openings();
  let database: ReturnType<typeof openDatabase> | undefined;
  let failure: unknown;
  const onStop = (reason: string) => {
    // Of many processes their supervisor says it, once.
    if (!options.supervised)
      note(`\nStopping (${reason}): accepted work is finished first; once more to stop at once.`);
    stopping.abort();
  };
  const onForce = () => {
    note("Stopped at once: what was not committed is rolled back.");
    process.exit(exitCodes.failed);
  };
  const byNpm = environment.npm_lifecycle_event !== undefined;
  listenForStop({ onStop, onForce }, options.supervised ? "supervisor" : byNpm ? "npm" : "nobody");
  process.on("uncaughtException", (error) => {
    failure ??= error;
    note("This process is broken and stops.");
    stopping.abort();
  });
  try {
    const configFile = locateConfig();
    const folder = dataFolderOf(configFile, environment);
    createDataFolder(folder);
    // Its supervisor says what is waited for.
    const steps = new Steps(options.supervised ? () => {} : note);
    // Modules are loaded while the database server starts: half of a start, each.
    database = openDatabase({ environment, folder, steps, openings, signal });
    const [config, serve] = await Promise.all([loadConfig(configFile), loadServe(options), database]);
    const ready = await serve({ config, database, environment, folder, steps, openings, signal });
    letYoungGenerationGrow();
    if (options.json) printJson(ready.json);
    else print(ready.text);
    if (options.supervised) process.send?.({ ready: ready.json });
    // Node writes the cache when it ends in peace; the next start after a kill -9 should be quick too.
    flushCompileCache();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  } catch (error) {
    if (!signal.aborted) failure = error;
  }
  // A server that was about to start when the configuration turned out to be wrong.
  stopping.abort();
  await database?.catch(() => {});
  await openings.close((name, error) => note(`${name} did not close: ${String(error)}`));
  if (failure === undefined) process.exit(exitCodes.ok);
  // Nothing is left to wait for; what a library forgot to close must not keep this process.
  setTimeout(() => process.exit(), exitWithinMs).unref();
  throw failure;
}

/** What a start says of itself when it is done. */
interface Ready {
  readonly json: object;
  readonly text: string;
}

/** The modules of what is to run here: they load while the database server starts. */
async function loadServe(options: StartOptions): Promise<(surroundings: Surroundings) => Promise<Ready>> {
  const { topology, process: name, supervised: isSupervised = false } = options;
  if (name !== undefined) {
    const { serveNode } = await import("../topology/serve-node.ts");
    const node = options.node ?? `${name}-${hostname()}-${process.pid}`;
    return async (surroundings) => {
      const ready = await serveNode(surroundings, { process: name, node, isSupervised });
      const where = ready.url === undefined ? "" : ` at ${ready.url}`;
      return { json: { ready: true, ...ready }, text: `${node} is ready${where} after ${duration(ready.tookMs)}.` };
    };
  }
  const serve =
    topology === "split"
      ? (await import("../topology/serve-split.ts")).serveSplit
      : (await import("../platform/serve.ts")).serve;
  return async (surroundings) => {
    const served = await serve(surroundings);
    return { json: readyJson(served), text: readyText(served) };
  };
}
