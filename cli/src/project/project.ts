import { CommandFailure } from "../failure.ts";
import { locateConfig } from "./config.ts";
import { type DataFolder, dataFolderOf, runningServer, type ServerRecord } from "./data-folder.ts";
import { type Environment, readEnvironment } from "./environment.ts";

/** What is known of a project without loading its code. */
export interface Project {
  readonly configFile: string;
  readonly environment: Environment;
  readonly folder: DataFolder;
  readonly server: ServerRecord | undefined;
}

/** The project around the current folder, and its running server. */
export async function findProject(): Promise<Project> {
  const environment = readEnvironment();
  const configFile = locateConfig();
  const folder = dataFolderOf(configFile, environment);
  return { configFile, environment, folder, server: await runningServer(folder) };
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
