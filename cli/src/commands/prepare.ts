import { flushCompileCache } from "node:module";
import { CommandFailure } from "../failure.ts";
import { note, print, printJson } from "../output/terminal.ts";
import { loadConfig } from "../project/config.ts";
import { createDataFolder } from "../project/data-folder.ts";
import { findProject } from "../project/project.ts";

/** Does ahead what the first start would do: for an installation, or the image of a container. Starts nothing. */
export async function prepare(options: { readonly json?: boolean }): Promise<void> {
  const { configFile, environment, folder } = await findProject();
  createDataFolder(folder);
  await Promise.all([
    loadConfig(configFile),
    import("./start.ts"),
    import("../platform/serve.ts"),
    import("@banyan/gateway"),
    import("@banyan/sql-postgres"),
    environment.DATABASE_URL === undefined ? prepareDatabase(folder.postgres) : undefined,
  ]);
  // The modules were loaded for what Node keeps of them.
  flushCompileCache();
  if (options.json) printJson({ prepared: true });
  else print("The next start is as quick as any.");
}

async function prepareDatabase(dataFolder: string): Promise<void> {
  const { prepareEmbeddedPostgres } = await import("@banyan/embedded-postgres");
  await prepareEmbeddedPostgres({ dataFolder, onProgress: note }).catch((cause: Error) => {
    throw new CommandFailure(cause.message, "`npx banyan doctor` checks this machine.", { cause });
  });
}
