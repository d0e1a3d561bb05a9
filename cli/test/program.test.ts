import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { createProgram } from "../src/program/program.ts";

/** Those that do something, by what is typed for them. */
function commandsOf(command: Command, path: readonly string[]): readonly (readonly [name: string, Command])[] {
  if (command.commands.length === 0) return [[path.join(" "), command]];
  return command.commands.flatMap((one) => commandsOf(one, [...path, one.name()]));
}

const commands = commandsOf(createProgram("1.0.0"), ["banyan"]);

describe.each(commands)("%s", (name, command) => {
  test("takes --json", () => {
    expect(command.options.map(({ long }) => long)).toContain("--json");
  });

  test("has an example in its help", () => {
    const written: string[] = [];
    command.configureOutput({ writeOut: (text) => void written.push(text) }).outputHelp();
    const [, examples = ""] = written.join("").split("\nExamples:\n");
    // The default of a group is typed without its name.
    const [, group = "", own = group] = name.split(" ");
    expect(examples).toMatch(new RegExp(`banyan ${group}( ${own})?`));
  });
});
