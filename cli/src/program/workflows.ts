import { type Command, Option } from "commander";
import { limit } from "../output/listing.ts";
import { examples, json } from "./words.ts";

/** Adds `banyan workflows`. */
export function defineWorkflows(program: Command): void {
  const workflows = program
    .command("workflows")
    .description("runs of workflows: list and show them, retry, cancel, tell them something");
  workflows
    .command("list", { isDefault: true })
    .description("the newest first")
    .option(...json)
    .addOption(new Option("--state <state>", "only in this state").choices(states))
    .option("--type <name>", "only of this workflow")
    .option(...limit)
    .addHelpText(
      "after",
      examples(
        "banyan workflows",
        "banyan workflows --state stuck",
        "banyan workflows list --type payments.capture --json",
      ),
    )
    .action(async (options) => (await import("../commands/workflows.ts")).listRuns(options));
  workflows
    .command("show <id>")
    .description("one run: its steps, and why it waits")
    .option(...json)
    .addHelpText("after", examples("banyan workflows show 0199…", "banyan workflows show 0199… --json"))
    .action(async (id, options) => (await import("../commands/workflows.ts")).showRun(id, options));
  workflows
    .command("retry <id>")
    .description("let one that is stuck, or waits to try again, do so now")
    .option("--from <step>", "forget what was kept of this step and of those after it")
    .option(...json)
    .addHelpText("after", examples("banyan workflows retry 0199…", "banyan workflows retry 0199… --from charge"))
    .action(async (id, options) => (await import("../commands/workflows.ts")).retryRun(id, options));
  workflows
    .command("cancel <id>")
    .description("begin nothing new, and take back what was done")
    .option(...json)
    .addHelpText("after", examples("banyan workflows cancel 0199…"))
    .action(async (id, options) => (await import("../commands/workflows.ts")).cancelRun(id, options));
  workflows
    .command("signal <id> <signal>")
    .description("tell a run what its workflow declares among its signals")
    .option("--data <json>", "what the signal's schema asks for", "{}")
    .option(...json)
    .addHelpText("after", examples(`banyan workflows signal 0199… decided --data '{"yes":true}'`))
    .action(async (id, signal, options) => (await import("../commands/workflows.ts")).signalRun(id, signal, options));
}

const states = ["running", "due", "waiting", "stuck", "done", "failed"];
