import { operate } from "../control/operate.ts";
import type { Operator } from "../control/operator.ts";
import { Steps } from "../output/steps.ts";
import { note } from "../output/terminal.ts";
import { Openings } from "../process/openings.ts";
import { listenForStop } from "../process/signals.ts";
import { loadConfig } from "../project/config.ts";
import { createDataFolder } from "../project/data-folder.ts";
import type { Project } from "../project/project.ts";
import { openApplication } from "./application.ts";
import { openDatabase } from "./database.ts";

/** Starts the application in this process, without a gateway, for as long as `work` takes. */
export async function startedHere<T>(
  { configFile, environment, folder }: Project,
  work: (operator: Operator) => Promise<T>,
): Promise<T> {
  const stopping = new AbortController();
  const openings = new Openings();
  const { signal } = stopping;
  listenForStop({ onStop: () => stopping.abort(), onForce: () => process.exit(1) }, "nobody");
  note("No server runs here, so the services are started for the duration of this command.");
  createDataFolder(folder);
  try {
    const config = await loadConfig(configFile);
    const steps = new Steps(note);
    const database = openDatabase({ environment, folder, steps, openings, signal });
    const { app } = await openApplication({ config, environment, folder, steps, openings, signal, database });
    const name = { node: config.title, process: config.title };
    const flow = { send() {}, signal };
    return await work({
      signal,
      call: (action, input, options) => app.call(action, input, options),
      ask: (request) => operate({ app, checks: config.checks, watch: null, name }, request, flow),
    });
  } finally {
    await openings.close((name, error) => note(`${name} did not close: ${String(error)}`));
  }
}
