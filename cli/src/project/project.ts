import { CommandFailure } from "../failure.ts";
import { type LoadedConfig, loadConfig } from "./config.ts";
import { type DataFolder, dataFolderAt, runningServer, type ServerRecord } from "./data-folder.ts";

export interface Project {
  readonly config: LoadedConfig;
  readonly folder: DataFolder;
  readonly server: ServerRecord | undefined;
}

/** The project around the current folder, and its running server. */
export async function findProject(): Promise<Project> {
  const config = await loadConfig();
  const folder = dataFolderAt(config.dataFolder);
  return { config, folder, server: await runningServer(folder) };
}

/** The running server of the project around the current folder. Throws where none runs. */
export async function connectServer(): Promise<ServerRecord> {
  const { folder, server } = await findProject();
  if (server !== undefined) return server;
  throw new CommandFailure(
    `No server runs on ${folder.path}.`,
    "Start one with `npm start` or `npx banyan start` in another terminal and repeat this.",
  );
}
