import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CommandFailure, usageFailure } from "../failure.ts";
import { print, printJson } from "../output/terminal.ts";
import { findProject } from "../project/project.ts";

interface ResetOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** A database server whose process was killed a moment ago still writes, and ends by itself. */
const removal = { recursive: true, force: true, maxRetries: 20, retryDelay: 100 };

/** Empties the data folder after asking. Refuses while a server runs on it. */
export async function reset({ yes, json }: ResetOptions): Promise<void> {
  const { folder, server } = await findProject();
  if (server !== undefined) {
    throw new CommandFailure(
      `A server (pid ${server.pid}, ${server.url}) runs on ${folder.path}.`,
      `Stop it first: Ctrl-C in its terminal, or \`kill ${server.pid}\`.`,
    );
  }
  const entries = existsSync(folder.path) ? readdirSync(folder.path) : [];
  if (entries.length > 0 && !yes && !(await confirmed(folder.path))) {
    if (json) printJson({ path: folder.path, removed: [] });
    else print("Nothing was removed.");
    return;
  }
  for (const entry of entries) rmSync(join(folder.path, entry), removal);
  if (json) printJson({ path: folder.path, removed: entries });
  else print(entries.length === 0 ? `${folder.path} is empty already.` : `${folder.path} is empty now.`);
}

async function confirmed(path: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw usageFailure(
      `${path} was not emptied: there is no terminal to ask on.`,
      "Pass --yes to empty it without asking.",
    );
  }
  const { confirm, isCancel } = await import("@clack/prompts");
  const answer = await confirm({
    message: `Delete everything in ${path}: the database with all its data, and the development key?`,
    initialValue: false,
  });
  return !isCancel(answer) && answer;
}
