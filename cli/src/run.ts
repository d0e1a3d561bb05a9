import { isFault } from "@banyan/kernel";
import { CommanderError } from "commander";
import { CommandFailure, exitCodes, faultFailure } from "./failure.ts";
import { note } from "./output/terminal.ts";
import { createProgram } from "./program/program.ts";
import { addProjectCommands } from "./program/project-commands.ts";

/** Runs one command line and sets the exit code. */
export async function run(args: readonly string[], version: string): Promise<void> {
  const asJson = args.includes("--json");
  // A reader such as `head` that has seen enough is no failure of what is read; nor is a terminal that was closed.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
    });
  }
  try {
    const program = createProgram(version);
    await addProjectCommands(program, args[0] ?? "");
    for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
      command.exitOverride();
      // What is wrong with the command line is told below, once.
      if (asJson) command.configureOutput({ writeErr: () => {} });
    }
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    process.exitCode = report(isFault(error) ? faultFailure(error) : error, asJson);
  }
}

function report(error: unknown, asJson: boolean): number {
  // Commander has printed its message already; help and version come this way too.
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.ok;
    const advice = "`banyan --help` lists the commands, `banyan COMMAND --help` explains one.";
    if (asJson) note(JSON.stringify({ error: { message: error.message.replace(/^error: /, ""), advice } }));
    return exitCodes.usage;
  }
  if (!(error instanceof CommandFailure)) {
    note(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return exitCodes.failed;
  }
  const { message, advice, code, details, exitCode } = error;
  note(
    asJson
      ? JSON.stringify({ error: { message, advice, code, details } })
      : [message, advice].filter(Boolean).join("\n"),
  );
  return exitCode;
}
