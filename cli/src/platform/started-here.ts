import { operate } from "../control/operate.ts";
import type { Operator } from "../control/operator.ts";
import { CommandFailure } from "../failure.ts";
import { Steps } from "../output/steps.ts";
import { note } from "../output/terminal.ts";
import { Openings } from "../process/openings.ts";
import { stopSignal } from "../process/signals.ts";
import { loadConfig } from "../project/config.ts";
import { createDataFolder } from "../project/data-folder.ts";
import type { Project } from "../project/project.ts";
import { openApplication } from "./application.ts";
import { openDatabase } from "./database.ts";

/** Starts the application in this process, without a gateway, for as long as `work` takes, or until `signal` aborts. */
export async function startedHere<T>(
  { configFile, environment, folder }: Project,
  work: (operator: Operator) => Promise<T>,
  signal = stopSignal(),
): Promise<T> {
  const openings = new Openings();
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
  } catch (error) {
    // Whatever a stop has cut short says so in its own words, or in a stack.
    throw signal.aborted && !(error instanceof CommandFailure) ? signal.reason : error;
  } finally {
    await openings.close((name, error) => note(`${name} did not close: ${String(error)}`));
  }
}
