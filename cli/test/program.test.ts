import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { createProgram } from "../src/program/program.ts";
import { jsonInput } from "../src/project/json-input.ts";

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

const refusal = (text: string) => {
  try {
    jsonInput(text, "The input", "Try this.");
  } catch (error) {
    const { message, code, details, exitCode } = error as { message: string } & Record<string, unknown>;
    return { message, code, details, exitCode };
  }
  return undefined;
};

test("a key given twice is refused with its path, since only the last would count", () => {
  expect(refusal('{"reference":"a","postings":[{"amountMinor":1,"amountMinor":100}]}')).toEqual({
    message: "The input cannot be taken: postings.0.amountMinor: the key is given twice.",
    code: "cli.malformedInput",
    details: { field: "postings.0.amountMinor" },
    exitCode: 2,
  });
});

test("a number that would be rounded is refused; what is none of this is taken, and so is text that is no object", () => {
  expect(refusal('{"amountMinor":9007199254740993}')?.details).toEqual({ field: "amountMinor" });
  expect(refusal("{")?.message).toMatch(/^The input is no JSON: /);
  expect(jsonInput('[{"a":1},{"a":1}]', "The input", "")).toEqual([{ a: 1 }, { a: 1 }]);
  expect(jsonInput('"text"', "The input", "")).toBe("text");
});
