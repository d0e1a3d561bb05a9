import { availableParallelism, cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { busArea } from "./bus/area.ts";
import { callArea } from "./call/area.ts";
import { commandArea } from "./command/area.ts";
import { deliveryArea } from "./delivery/area.ts";
import { eventsArea } from "./events/area.ts";
import { httpArea } from "./http/area.ts";
import { installPeers, peersInstalled } from "./install-peers.ts";
import { jobsArea } from "./jobs/area.ts";
import { ledgerArea } from "./ledger/area.ts";
import { logArea } from "./log/area.ts";
import { memoryArea } from "./memory/area.ts";
import { paymentsArea } from "./payments/area.ts";
import type { Area } from "./rounds.ts";
import { type Row, table } from "./row.ts";
import { PeerMissing } from "./subject-process.ts";
import { workflowArea } from "./workflow/area.ts";

const areas: Area[] = [
  callArea,
  httpArea,
  commandArea,
  deliveryArea,
  jobsArea,
  ledgerArea,
  workflowArea,
  paymentsArea,
  eventsArea,
  busArea,
  logArea,
  memoryArea,
];

const help = `Measures Banyan beside its peers, interleaved in one run, and prints ratios.

  npm run bench [-- AREA…] [options]

Areas (all of them without an argument):
${areas.map((area) => `  ${area.name.padEnd(10)} ${area.about}`).join("\n")}

Options:
  --json         print an array of {area, row, ours, peer, peerName, unit, ratio, reach}
  --rounds N     measure each subject N times and take medians (default 5)
  --overload S   overload User Events for so many seconds (default 30)
  --quick        a smoke run: everything happens once, the figures mean nothing
  --no-install   leave out the peers whose libraries are not installed
  --help         this text

Examples:
  npm run bench
  npm run bench -- call
  npm run bench -- ledger --rounds 9
  npm run bench -- events --rounds 1 --overload 600
  npm run --silent bench -- --json > ratios.json

A ratio is the better for us the larger it is, for times, CPU and memory too. Its reach is the least that we
hold ourselves to; 0 where a peer is only printed beside. Postgres is the embedded one, or DATABASE_URL
(use an empty database: schemas are created and dropped in it). Run it on an otherwise idle machine.
`;

const options = {
  json: { type: "boolean", default: false },
  rounds: { type: "string" },
  overload: { type: "string", default: "30" },
  quick: { type: "boolean", default: false },
  "no-install": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** The command line, checked; throws with what to write instead. */
function read(args: string[]) {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const unknown = positionals.filter((name) => !areas.some((area) => area.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `No area is called ${unknown.join(", ")}. Choose from ${areas.map((area) => area.name).join(", ")}.`,
    );
  }
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 99) {
    throw new Error(`--rounds takes a whole number from 1 to 99, not "${values.rounds}".`);
  }
  const overloadMs = Number(values.overload) * 1_000;
  if (!(overloadMs > 0)) throw new Error(`--overload takes a number of seconds, not "${values.overload}".`);
  const chosen = positionals.length > 0 ? areas.filter((area) => positionals.includes(area.name)) : areas;
  return { ...values, rounds, overloadMs, chosen };
}

async function main(): Promise<void> {
  const { chosen, rounds, overloadMs, quick, json, help: asked, "no-install": noInstall } = read(process.argv.slice(2));
  if (asked) return void process.stdout.write(help);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort(new Error("Stopped by Ctrl-C.")));
  process.once("SIGTERM", () => stop.abort(new Error("Stopped by SIGTERM.")));
  const progress = (text: string) => void process.stderr.write(`${text}\n`);
  if (!noInstall && !peersInstalled()) {
    progress("Installing what we are measured beside into bench/peers (once, about 350 MB) …");
    await installPeers();
  }
  progress(machine());
  const rows: Row[] = [];
  for (const area of chosen) {
    const say = (text: string) => progress(`${area.name}: ${text}`);
    try {
      rows.push(
        ...(await area.run({ area: area.name, quick, rounds, overloadMs, signal: stop.signal, progress: say })),
      );
    } catch (error) {
      stop.signal.throwIfAborted();
      if (error instanceof PeerMissing && noInstall) say(`left out: ${error.message}`);
      else fail(error);
    }
  }
  process.stdout.write(json ? `${JSON.stringify(rows, null, 2)}\n` : `${table(rows)}\n`);
}

/** What the figures hold for. Ratios suffer too where others work meanwhile: the less so, the more rounds. */
function machine(): string {
  const [load = 0] = loadavg();
  const cores = availableParallelism();
  const busy = load > cores / 2 ? "; OTHER WORK IS RUNNING, do not trust the ratios" : "";
  return `${cpus()[0]?.model ?? process.arch}, ${cores} cores, Node ${process.version}; load ${load.toFixed(2)} before the run${busy}`;
}

/** An area that fails makes the command fail, after the rows of the others. */
function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

await main().catch(fail);
