import { usageFailure } from "../../failure.ts";
import { print } from "../../output/terminal.ts";
import { type LoadedConfig, loadConfig } from "../../project/config.ts";
import { readEnvironment } from "../../project/environment.ts";

/** What a project's contracts can be written as. */
export type Document = "snapshot" | "openapi" | "asyncapi";

/** Prints the contracts of the project as a document. Needs no server. */
export async function describe(document: Document): Promise<void> {
  const config = await loadConfig();
  print(JSON.stringify(await documentOf(config, document), null, 2));
}

async function documentOf({ title, version, services }: LoadedConfig, document: Document): Promise<object> {
  try {
    if (document === "snapshot") {
      const { snapshotOf } = await import("@banyan/kernel/versions");
      return snapshotOf(services.map(({ contract }) => contract));
    }
    const { asyncApiDocument, openApiDocument, routeTable } = await import("@banyan/gateway/describe");
    if (document === "asyncapi")
      return asyncApiDocument({ title, version, services, eventLog: readEnvironment().BANYAN_LOG });
    return openApiDocument({ title, version, services, routes: routeTable(services) });
  } catch (error) {
    throw usageFailure((error as Error).message, "Correct the contract that is named.");
  }
}
