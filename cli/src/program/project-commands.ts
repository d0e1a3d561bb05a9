import type { Command } from "commander";
import type { CommandRun, ProjectCommand } from "../project/config.ts";
import { examples, json, key, url } from "./words.ts";

/**
 * Adds the commands that the configuration has under `group`, where this is a project. Looks only where `banyan` itself has no command of
 * that name: loading a configuration takes a moment.
 */
export async function addProjectCommands(program: Command, group: string): Promise<void> {
  const isKnown = group === "help" || program.commands.some((command) => command.name() === group);
  if (isKnown || !/^[a-z]/.test(group)) return;
  const { findConfig, loadConfig } = await import("../project/config.ts");
  const path = findConfig();
  if (path === undefined) return;
  const { commands } = await loadConfig(path);
  const named = commands[group];
  if (named === undefined) return;
  const parent = program.command(group).description("commands of this project");
  for (const [name, command] of Object.entries(named)) define(parent, name, command);
}

function define(parent: Command, name: string, project: ProjectCommand): void {
  const { summary, takes, options: flags = [], examples: lines, run } = project;
  const command = parent.command(takes === undefined ? name : `${name} ${takes}`).description(summary);
  for (const [flag, about] of flags) command.option(flag, about);
  command
    .option(...json)
    .option(...url)
    .option(...key)
    .addHelpText("after", examples(...lines))
    .action(async () => {
      const options = command.opts<CommandRun["options"] & { url?: string; key?: string }>();
      const { withCall } = await import("../platform/with-call.ts");
      const { print, printJson } = await import("../output/terminal.ts");
      const show: CommandRun["show"] = (value, text) => (options.json === true ? printJson(value) : print(text));
      const given = command.processedArgs.flat().filter((word): word is string => typeof word === "string");
      await withCall(options, (call, signal) => run({ call, given, options, show, signal }));
    });
}
