import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { mutants } from "./mutants/mutants.ts";
import { type Campaign, playCampaign, type Tally } from "./run/pool.ts";
import { jsonSummary, progressLine, summary } from "./run/report.ts";
import { installVirtualGlobals } from "./time/globals.ts";
import { playSchedule, soundWiring } from "./world/schedule.ts";

const usage = `Plays schedules of a simulated world over the real kernel; docs/SIMULATION.md says what that is.

  npm run simulate -- --schedules 200000          seeds 1 to 200,000, on all cores
  npm run simulate -- --schedules 500 --seed 71   seeds 71 to 570
  npm run simulate -- --seed 71                   one again, with its trace

  --mutant NAME      in a world that is wired wrong: ${Object.keys(mutants).join(", ")}
  --processes N      default: the number of cores
  --json             for programs`;

const failuresMax = 10;
/** A line that is drawn over itself on a terminal, and one after the other in a file. */
const onTerminal = { everyMs: 200, drawn: (line: string) => `\r\u001b[K${line}` };
const inFile = { everyMs: 30_000, drawn: (line: string) => `${line}\n` };

function options() {
  const { values } = parseArgs({
    options: {
      schedules: { type: "string" },
      seed: { type: "string" },
      mutant: { type: "string" },
      processes: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const whole = (name: "schedules" | "seed" | "processes") => {
    const text = values[name];
    if (text === undefined) return undefined;
    if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${name} is a whole number from 1 on, not "${text}"`);
    return Number(text);
  };
  if (values.mutant !== undefined && !(values.mutant in mutants))
    throw new Error(`there is no mutant "${values.mutant}"`);
  return { ...values, schedules: whole("schedules"), seed: whole("seed"), processes: whole("processes") };
}

async function replay(seed: number, mutant: string | undefined, json: boolean): Promise<boolean> {
  installVirtualGlobals();
  const wiring = mutant === undefined ? soundWiring : (mutants[mutant] ?? soundWiring);
  const verdict = await playSchedule(seed, wiring, json ? null : console.log);
  if (json) console.log(JSON.stringify(verdict));
  else console.log(verdict.problems.length > 0 ? `\n${verdict.problems.join("\n")}` : "\nall promises were kept");
  return verdict.problems.length === 0;
}

async function campaign(given: Campaign, json: boolean): Promise<boolean> {
  const began = performance.now();
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort());
  const { everyMs, drawn } = process.stderr.isTTY ? onTerminal : inFile;
  let drawnAt = began;
  const onPlayed = (tally: Tally) => {
    const now = performance.now();
    if (now - drawnAt < everyMs) return;
    drawnAt = now;
    process.stderr.write(drawn(progressLine(given, tally, now - began)));
  };
  const tally = await playCampaign({ ...given, onPlayed, signal: interrupted.signal });
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  const tookMs = performance.now() - began;
  console.log(json ? JSON.stringify(jsonSummary(given, tally, tookMs)) : summary(given, tally, tookMs));
  return tally.failures.length === 0 && !interrupted.signal.aborted;
}

try {
  const { schedules, seed = 1, mutant, processes = availableParallelism(), json, help } = options();
  const given = { firstSeed: seed, count: schedules ?? 5_000, mutant, processes, failuresMax };
  if (help) console.log(usage);
  else {
    const isReplay = schedules === undefined && process.argv.some((argument) => argument.startsWith("--seed"));
    const isWell = isReplay ? await replay(seed, mutant, json) : await campaign(given, json);
    process.exitCode = isWell ? 0 : 1;
  }
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  process.exitCode = 2;
}
