import type { Command } from "commander";
import { examples, json } from "./words.ts";

/** `banyan contracts …`: what the services promise. */
export function defineContracts(program: Command): void {
  const contracts = program
    .command("contracts")
    .description("what the services promise: write it down, publish it, compare two versions");
  const describe = async (document: "snapshot" | "openapi" | "asyncapi") =>
    (await import("../commands/contracts/describe.ts")).describe(document);
  contracts
    .command("snapshot")
    .description("print the contracts as JSON, to be committed and compared with")
    .option(...json)
    .addHelpText("after", examples("banyan contracts snapshot > contracts.json"))
    .action(() => describe("snapshot"));
  contracts
    .command("diff <old> [new]")
    .description("compare two snapshots, or one with this project; exit code 1 where a change breaks somebody")
    .option(...json)
    .addHelpText(
      "after",
      examples(
        "banyan contracts diff contracts.json",
        "banyan contracts diff v1.json v2.json --json",
        "git show origin/main:contracts.json | banyan contracts diff -",
      ),
    )
    .action(async (old, now, options) => (await import("../commands/contracts/diff.ts")).diff(old, now, options));
  contracts
    .command("openapi")
    .description("print the OpenAPI 3.1 document of the routes")
    .option(...json)
    .addHelpText("after", examples("banyan contracts openapi > openapi.json"))
    .action(() => describe("openapi"));
  contracts
    .command("asyncapi")
    .description("print the AsyncAPI 3.0 document of the events")
    .option(...json)
    .addHelpText("after", examples("banyan contracts asyncapi > asyncapi.json"))
    .action(() => describe("asyncapi"));
}
