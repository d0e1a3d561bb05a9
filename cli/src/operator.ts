import { type Call, type LoadedConfig, loadConfig } from "./config.ts";
import { ask } from "./control/client.ts";
import type { Request } from "./control/protocol.ts";
import { type DataFolder, dataFolderAt, runningServer, type ServerRecord } from "./data-folder.ts";
import { CommandFailure } from "./failure.ts";

interface Flow {
  onItem?(item: unknown): void;
  readonly signal?: AbortSignal;
}

/** A started application that does what an operator asks, here or in another process. */
export interface Operator {
  readonly config: LoadedConfig;
  /** Calls an action as the public can: by HTTP where a server runs. */
  readonly call: Call;
  /** Ends when the user gives up. */
  readonly signal: AbortSignal;
  ask(request: Request, flow?: Flow): Promise<unknown>;
}

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

/** Works with the running server, or, where none runs, with the application started in this process for as long as it takes. */
export async function withOperator<T>(work: (operator: Operator) => Promise<T>): Promise<T> {
  const project = await findProject();
  const { config, server } = project;
  if (server === undefined) {
    const { startedHere } = await import("./platform/started-here.ts");
    return startedHere(project, work);
  }
  const { createHttpCall } = await import("./http-call.ts");
  return work({
    config,
    call: createHttpCall(server),
    signal: new AbortController().signal,
    ask: (request, flow) => ask(server.socket, request, flow),
  });
}
