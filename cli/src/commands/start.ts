import { flushCompileCache } from "node:module";
import { exitCodes } from "../failure.ts";
import { Steps } from "../output/steps.ts";
import { note, print, printJson } from "../output/terminal.ts";
import { openDatabase } from "../platform/database.ts";
import { readyJson, readyText } from "../platform/ready.ts";
import { Openings } from "../process/openings.ts";
import { listenForStop } from "../process/signals.ts";
import { holdYoungGeneration } from "../process/young-generation.ts";
import { loadConfig, locateConfig } from "../project/config.ts";
import { createDataFolder, dataFolderOf } from "../project/data-folder.ts";
import { readEnvironment } from "../project/environment.ts";

const exitWithinMs = 500;

/** Starts everything and runs until it is told to stop: SIGTERM, SIGINT, SIGHUP drain and exit 0, a second one cuts. */
export async function start({ json }: { readonly json?: boolean }): Promise<void> {
  const letYoungGenerationGrow = holdYoungGeneration();
  const environment = readEnvironment();
  const stopping = new AbortController();
  const { signal } = stopping;
  const openings = new Openings();
  let database: ReturnType<typeof openDatabase> | undefined;
  let failure: unknown;
  const onStop = (reason: string) => {
    note(`\nStopping (${reason}): accepted work is finished first; once more to stop at once.`);
    stopping.abort();
  };
  const onForce = () => {
    note("Stopped at once: what was not committed is rolled back.");
    process.exit(exitCodes.failed);
  };
  listenForStop({ onStop, onForce }, { watchParent: environment.npm_lifecycle_event !== undefined });
  process.on("uncaughtException", (error) => {
    failure ??= error;
    note("This process is broken and stops.");
    stopping.abort();
  });
  try {
    const configFile = locateConfig();
    const folder = dataFolderOf(configFile, environment);
    createDataFolder(folder);
    const steps = new Steps(note);
    // Modules are loaded while the database server starts: half of a start, each.
    database = openDatabase({ environment, folder, steps, openings, signal });
    const [config, { serve }] = await Promise.all([loadConfig(configFile), import("../platform/serve.ts"), database]);
    const served = await serve({ config, database, environment, folder, steps, openings, signal });
    letYoungGenerationGrow();
    if (json) printJson(readyJson(served));
    else print(readyText(served));
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
