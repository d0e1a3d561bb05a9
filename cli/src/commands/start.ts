import { flushCompileCache } from "node:module";
import { exitCodes } from "../failure.ts";
import { Steps } from "../output/steps.ts";
import { note, print, printJson } from "../output/terminal.ts";
import { readyJson, readyText } from "../platform/ready.ts";
import { Openings } from "../process/openings.ts";
import { listenForStop } from "../process/signals.ts";
import { holdYoungGeneration } from "../process/young-generation.ts";
import { loadConfig } from "../project/config.ts";
import { createDataFolder, dataFolderAt } from "../project/data-folder.ts";
import { readEnvironment } from "../project/environment.ts";

/** Starts everything and runs until it is told to stop: SIGTERM, SIGINT, SIGHUP drain and exit 0, a second one cuts. */
export async function start({ json }: { readonly json?: boolean }): Promise<void> {
  const letYoungGenerationGrow = holdYoungGeneration();
  const environment = readEnvironment();
  const stopping = new AbortController();
  const { signal } = stopping;
  const openings = new Openings();
  let broken: unknown;
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
    broken ??= error;
    note(`This process is broken and stops: ${error.stack}`);
    stopping.abort();
  });
  try {
    const config = await loadConfig();
    const folder = dataFolderAt(config.dataFolder);
    createDataFolder(folder);
    const steps = new Steps(note);
    const { serve } = await import("../platform/serve.ts");
    const served = await serve({ config, environment, folder, steps, openings, signal });
    letYoungGenerationGrow();
    if (json) printJson(readyJson(served));
    else print(readyText(served));
    // Node writes the cache when it ends in peace; the next start after a kill -9 should be quick too.
    flushCompileCache();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await openings.close((name, error) => note(`${name} did not close: ${String(error)}`));
  }
  // Nothing is left to wait for; a library's forgotten timer must not keep a drained process.
  process.exit(broken === undefined ? exitCodes.ok : exitCodes.failed);
}
