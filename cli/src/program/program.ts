import { Command, Option } from "commander";
import { limit } from "../output/listing.ts";
import { defineContracts } from "./contracts.ts";
import { examples, json, key, url } from "./words.ts";
import { defineWorkflows } from "./workflows.ts";

/** The command line. Each command's code is loaded when it runs, so that none pays for the others. */
export function createProgram(version: string): Command {
  const program = new Command("banyan")
    .description("Starts an application, looks into it, and operates it.")
    .version(version)
    .showHelpAfterError("(`banyan --help` lists the commands, `banyan COMMAND --help` explains one)")
    .addHelpText(
      "after",
      "\nA project has commands of its own where its configuration names `commands`.\nExit codes: 0 done, 1 tried and failed, 2 wrong command line, environment or configuration.",
    );
  defineRunning(program);
  defineDemo(program);
  defineNodes(program);
  defineContracts(program);
  defineData(program);
  defineJobs(program);
  defineWorkflows(program);
  defineMachine(program);
  return program;
}

function defineRunning(program: Command): void {
  program
    .command("start")
    .description("start the database, every service and the gateway in this process")
    .option("--json", "print one JSON line when ready")
    .addOption(
      new Option("--topology <name>", "local: all in this process; split: supervised processes, as `processes` says")
        .choices(["local", "split"])
        .default("local"),
    )
    .option("--process <name>", "only what this process of the split topology runs; others are reached by BANYAN_BUS")
    .addOption(new Option("--node <name>", "this process's name among its like").hideHelp())
    .addOption(new Option("--supervised", "the process that starts this one has a channel to it").hideHelp())
    .addHelpText(
      "after",
      examples(
        "banyan start",
        "PORT=8080 banyan start",
        "DATABASE_URL=postgres://localhost/shop banyan start",
        "banyan start --topology split",
      ),
    )
    .action(async (options) => (await import("../commands/start.ts")).start(options));
  program
    .command("call <action> [input]")
    .description("call one command or query; input is JSON, - reads it from stdin")
    .option(...json)
    .option(...url)
    .option(...key)
    .option("--idempotency-key <key>", "the same key and input take effect once")
    .addHelpText(
      "after",
      examples("banyan call ledger.trialBalance", `banyan call ledger.account '{"address":"world:bank"}'`),
    )
    .action(async (action, input, options) =>
      (await import("../commands/call.ts")).call(action, input ?? "{}", options),
    );
  program
    .command("tail [pattern]")
    .description("show calls, deliveries, jobs and events of the running server as they happen; * matches anything")
    .option(...json)
    .addHelpText("after", examples("banyan tail", "banyan tail 'ledger.*'", "banyan tail '*.posted' --json"))
    .action(async (pattern, options) => (await import("../commands/tail.ts")).tail(pattern ?? "*", options));
  program
    .command("trace <id>")
    .description("show what one request caused, through every process: calls, events, deliveries, jobs")
    .option(...json)
    .addHelpText("after", examples("banyan trace 4bf92f3577b34da6a3ce929d0e0e4736", "banyan trace 4bf9 --json"))
    .action(async (id, options) => (await import("../commands/trace.ts")).trace(id, options));
  program
    .command("services [service]")
    .description("list services with their actions, routes, permissions and state")
    .option(...json)
    .addHelpText("after", examples("banyan services", "banyan services ledger"))
    .action(async (service, options) => (await import("../commands/services.ts")).services(service, options));
  program
    .command("lag")
    .description("how far deliveries are behind, and who waits")
    .option(...json)
    .addHelpText("after", examples("banyan lag", "banyan lag --json"))
    .action(async (options) => (await import("../commands/events/lag.ts")).lag(options));
}

function defineDemo(program: Command): void {
  program
    .command("demo [name]")
    .description("show what the application is for, live; without a name, list what can be shown")
    .option(...json)
    .addHelpText("after", examples("banyan demo", "banyan demo neopay", "banyan demo neopay --json"))
    .action(async (name, options) => (await import("../commands/demo.ts")).demo(name, options));
}

function defineNodes(program: Command): void {
  program
    .command("nodes")
    .description("the processes of the running server: what is in each, since when, what it uses")
    .option(...json)
    .addHelpText("after", examples("banyan nodes", "banyan nodes --json"))
    .action(async (options) => (await import("../commands/fleet/nodes.ts")).nodes(options));
  program
    .command("top")
    .description("rates, times and faults of every action, live")
    .option(...json)
    .option("--every <seconds>", "between two pictures", "1")
    .option("--count <n>", "how many pictures; without end where it is not given")
    .addHelpText("after", examples("banyan top", "banyan top --every 5", "banyan top --count 1 --json"))
    .action(async (options) => (await import("../commands/fleet/top.ts")).top(options));
  program
    .command("scale <wish>")
    .description("run a service in so many processes: SERVICE=N (split topology)")
    .option(...json)
    .addHelpText("after", examples("banyan scale ledger=3", "banyan scale edge=2"))
    .action(async (wish, options) => (await import("../commands/fleet/scale.ts")).scale(wish, options));
  const chaos = program.command("chaos").description("break something, to see what happens then (split topology)");
  chaos
    .command("kill <node>")
    .description("end a process at once (SIGKILL); it is started again")
    .option(...json)
    .addHelpText("after", examples("banyan chaos kill ledger-1"))
    .action(async (node, options) => (await import("../commands/fleet/chaos.ts")).killNode(node, options));
  chaos
    .command("pause <node>")
    .description("let a process stand still (SIGSTOP), then go on")
    .option(...json)
    .option("--for <time>", "how long", "5s")
    .addHelpText("after", examples("banyan chaos pause ledger-1 --for 10s"))
    .action(async (node, options) => (await import("../commands/fleet/chaos.ts")).pauseNode(node, options));
  chaos
    .command("slow <pattern>")
    .description("make calls take longer; * matches anything")
    .option(...json)
    .option("--by <time>", "how much", "200ms")
    .option("--for <time>", "until when", "1min")
    .addHelpText("after", examples("banyan chaos slow 'ledger.*' --by 500ms"))
    .action(async (pattern, options) => (await import("../commands/fleet/chaos.ts")).slowCalls(pattern, options));
  chaos
    .command("fail <pattern>")
    .description("make calls fail before they begin; * matches anything")
    .option(...json)
    .option("--rate <share>", "which share of them, 0 to 1", "0.1")
    .option("--for <time>", "until when", "1min")
    .addHelpText("after", examples("banyan chaos fail ledger.post --rate 0.5 --for 30s"))
    .action(async (pattern, options) => (await import("../commands/fleet/chaos.ts")).failCalls(pattern, options));
}

function defineData(program: Command): void {
  program
    .command("import <format> <files...>")
    .description("import files through the public commands, and report what became of each record")
    .option(...json)
    .option(...url)
    .option(...key)
    .addHelpText("after", examples("banyan import berka transactions.csv", "banyan import camt *.xml --json"))
    .action(async (format, files, options) =>
      (await import("../commands/import.ts")).importFiles(format, files, options),
    );
  program
    .command("verify")
    .description("check the stored data from first to last; fails when something was tampered with")
    .option(...json)
    .addHelpText("after", examples("banyan verify", "banyan verify --json"))
    .action(async (options) => (await import("../commands/verify.ts")).verify(options));
  program
    .command("rebuild <projection>")
    .description("empty a projection and fold every stored event into it anew")
    .option(...json)
    .addHelpText("after", examples("banyan rebuild ledger.accountDay"))
    .action(async (projection, options) =>
      (await import("../commands/events/rebuild.ts")).rebuild(projection, options),
    );
  program
    .command("sql [statement]")
    .description("run one SQL statement on the project's database; without one, print its URL")
    .option(...json)
    .addHelpText("after", examples("banyan sql 'SELECT * FROM ledger.account'", 'psql "$(banyan sql)"'))
    .action(async (statement, options) => (await import("../commands/sql.ts")).sql(statement, options));
  const log = program.command("log").description("events that have been delivered: send them again");
  log
    .command("republish")
    .description("deliver every event since a moment again; subscribers that have handled one skip it")
    .option(...json)
    .requiredOption("--since <moment>", "how long ago (90s, 15m, 2h, 7d), or a date or time as 2026-11-21T09:00:00Z")
    .addHelpText(
      "after",
      examples("banyan log republish --since 2h", "banyan log republish --since 2026-11-21T09:00:00Z --json"),
    )
    .action(async (options) => (await import("../commands/events/republish.ts")).republish(options));
  defineSubscriptions(program);
  const letters = program
    .command("dead-letters")
    .description("events that a subscriber could not handle: list them, deliver them again");
  letters
    .command("list", { isDefault: true })
    .description("newest first")
    .option(...json)
    .option("--subscriber <name>", "only of this subscriber")
    .addHelpText("after", examples("banyan dead-letters", "banyan dead-letters list --subscriber reconciliation.match"))
    .action(async (options) => (await import("../commands/events/dead-letters.ts")).listDeadLetters(options));
  letters
    .command("redrive [id]")
    .description("deliver one, or all, again")
    .option(...json)
    .option("--all", "every dead letter")
    .addHelpText("after", examples("banyan dead-letters redrive 0199…", "banyan dead-letters redrive --all"))
    .action(async (id, options) =>
      (await import("../commands/events/dead-letters.ts")).redriveDeadLetters(id, options),
    );
}

function defineJobs(program: Command): void {
  const jobs = program
    .command("jobs")
    .description("jobs that are not done: list them, run dead ones again, pause and resume a type");
  jobs
    .command("list", { isDefault: true })
    .description("the dead newest first, the others in the order in which they may run")
    .option(...json)
    .addOption(new Option("--state <state>", "only in this state").choices(jobStates))
    .option("--type <name>", "only of this type")
    .option(...limit)
    .addHelpText(
      "after",
      examples("banyan jobs", "banyan jobs --state dead", "banyan jobs list --type ledger.seal --json"),
    )
    .action(async (options) => (await import("../commands/jobs.ts")).listJobs(options));
  jobs
    .command("retry <id>")
    .description("give a dead one its attempts back")
    .option(...json)
    .addHelpText("after", examples("banyan jobs retry 0199…"))
    .action(async (id, options) => (await import("../commands/jobs.ts")).retryJob(id, options));
  jobs
    .command("pause <type>")
    .description("begin no job of a type, in any process, until it is resumed")
    .option(...json)
    .addHelpText("after", examples("banyan jobs pause ledger.seal"))
    .action(async (type, options) => (await import("../commands/jobs.ts")).pauseJobs(type, options));
  jobs
    .command("resume <type>")
    .description("begin jobs of a paused type again")
    .option(...json)
    .addHelpText("after", examples("banyan jobs resume ledger.seal"))
    .action(async (type, options) => (await import("../commands/jobs.ts")).resumeJobs(type, options));
}

const jobStates = ["waiting", "running", "delayed", "blocked", "paused", "dead"];

function defineSubscriptions(program: Command): void {
  const subscriptions = program.command("subscriptions").description("who hears of events, and what waits for each");
  subscriptions
    .command("list", { isDefault: true })
    .description("every service that events are kept for, running or not")
    .option(...json)
    .addHelpText("after", examples("banyan subscriptions", "banyan subscriptions --json"))
    .action(async (options) => (await import("../commands/events/subscriptions.ts")).listSubscriptions(options));
  subscriptions
    .command("forget <service>")
    .description("keep no more events for a service that is gone for good, and drop those that wait for it")
    .option("--yes", "do not ask")
    .option(...json)
    .addHelpText(
      "after",
      examples("banyan subscriptions forget statements", "banyan subscriptions forget statements --yes"),
    )
    .action(async (service, options) =>
      (await import("../commands/events/subscriptions.ts")).forgetSubscriptions(service, options),
    );
}

function defineMachine(program: Command): void {
  program
    .command("bench [args...]")
    .description("run the checkout's benchmarks beside their peers")
    .allowUnknownOption()
    .option(...json)
    .addHelpText("after", examples("banyan bench", "banyan bench ledger --json"))
    .action(async (args, options) => (await import("../commands/bench.ts")).bench(args, options));
  program
    .command("prepare")
    .description("do ahead what the first start on this machine would do: compile, and unpack the database server")
    .option(...json)
    .addHelpText("after", examples("banyan prepare", "RUN npx banyan prepare   # in a Dockerfile"))
    .action(async (options) => (await import("../commands/prepare.ts")).prepare(options));
  program
    .command("doctor")
    .description("check this machine and say what to do about what is wrong")
    .option(...json)
    .addHelpText("after", examples("banyan doctor"))
    .action(async (options) => (await import("../commands/doctor.ts")).doctor(options));
  program
    .command("reset")
    .description("empty the data folder: the embedded database and the development key")
    .option("--yes", "do not ask")
    .option(...json)
    .addHelpText("after", examples("banyan reset", "banyan reset --yes"))
    .action(async (options) => (await import("../commands/reset.ts")).reset(options));
}
