import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Engine, engineOf, engines } from "./engines.ts";
import { isClean } from "./judge.ts";
import { abilitiesOf } from "./machine/abilities.ts";
import { profiles } from "./profile.ts";
import { pageOf, reportOf } from "./report.ts";
import { type RoundResult, runRound } from "./round.ts";
import { variableOf } from "./stage.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

const help = `Breaks an application and its servers under load, and judges by what its client saw.

  npm run faults -- [options]

Options:
  --profile NAME   ${Object.keys(profiles).join(", ")} (default change)
  --engine NAME    one way for events to go, may be given again: ${engines.map(({ name }) => name).join(", ")} (default all)
  --seed N         chooses the same faults again (default: by the clock)
  --fresh          forget the rounds of an interrupted run
  --output FOLDER  where report and histories go (default dist/faults)
  --json           print the report as JSON
  --help           this text

Examples:
  npm run faults
  npm run faults -- --engine outbox --engine postgres
  npm run --silent faults -- --profile nightly --json > faults.json

Servers are those that BANYAN_TEST_* name: eval "$(../shared/infra/up nats)". They are killed; do not share them.
The report lies in dist/faults. Exit 0: nothing was lost, doubled, made up or out of order; 1: something was; 2: wrong usage.
`;

/** The command line is wrong; the message says what to write instead. */
class Usage extends Error {}

function read(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      profile: { type: "string", default: "change" },
      engine: { type: "string", multiple: true },
      seed: { type: "string" },
      fresh: { type: "boolean", default: false },
      output: { type: "string", default: join(root, "dist/faults") },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const profile = profiles[values.profile];
  if (profile === undefined) {
    throw new Usage(`No profile is called ${values.profile}. Choose from ${Object.keys(profiles).join(", ")}.`);
  }
  const seed = values.seed === undefined ? undefined : Number(values.seed);
  if (seed !== undefined && !(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    throw new Usage(`--seed takes a whole number from 0 to ${2 ** 32 - 1}, not "${values.seed}".`);
  }
  const chosen = values.engine?.map(engineNamed) ?? engines;
  const missing = chosen.filter(({ server }) => server !== undefined && !process.env[variableOf(server)]);
  if (missing.length > 0 && !values.help) {
    const servers = missing.map(({ server }) => server).join(" ");
    throw new Usage(
      `No server is named for ${servers}: eval "$(../shared/infra/up ${servers})", or choose with --engine.`,
    );
  }
  return { ...values, name: values.profile, profile, seed, chosen };
}

function engineNamed(name: string): Engine {
  try {
    return engineOf(name);
  } catch (error) {
    throw new Usage((error as Error).message);
  }
}

/** What an interrupted run has finished. */
interface Begun {
  readonly seed: number;
  readonly results: readonly RoundResult[];
}

function begun(path: string): Begun | undefined {
  if (!existsSync(path)) return undefined;
  const [first, ...rest] = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return { ...JSON.parse(first as string), results: rest.map((line) => JSON.parse(line) as RoundResult) };
}

/** What is tried; "unknown" where this is no checkout. */
function commitOf(): string {
  const { status, stdout } = spawnSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" });
  return status === 0 ? stdout.trim() : "unknown";
}

async function run(args: string[]): Promise<number> {
  const { name, profile, chosen, json, fresh, output: folder, help: asked, seed: given } = read(args);
  if (asked) {
    process.stdout.write(help);
    return 0;
  }
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.begun.jsonl`);
  if (fresh || given !== undefined) rmSync(path, { force: true });
  const before = begun(path);
  const seed = before?.seed ?? given ?? Date.now() % 2 ** 32;
  const results = [...(before?.results ?? [])];
  if (before === undefined) writeFileSync(path, `${JSON.stringify({ seed })}\n`);
  else process.stderr.write(`Going on with seed ${seed}: ${results.length} rounds are done (--fresh begins anew).\n`);
  // So that a run that is interrupted has tried every engine.
  const rounds = Array.from({ length: profile.rounds }, (_, round) =>
    chosen.map((engine: Engine) => ({ engine, round })),
  ).flat();
  const abilities = abilitiesOf((text) => void process.stderr.write(`${text}\n`));
  const skipped = Object.entries(abilities).flatMap(([what, why]) => (why === undefined ? [] : [`${what}: ${why}`]));
  for (const what of skipped) process.stderr.write(`Not tried here: ${what}\n`);
  for (const [place, { engine, round }] of rounds.entries()) {
    if (results.some((one) => one.engine === engine.name && one.round === round)) continue;
    const what = `[${place + 1}/${rounds.length}] ${engine.name}, round ${round + 1}`;
    const progress = (step: string) => void process.stderr.write(`${what}: ${step}\n`);
    const result = await runRound({ engine, round, seed, profile, abilities, folder, progress });
    results.push(result);
    appendFileSync(path, `${JSON.stringify(result)}\n`);
  }
  const report = reportOf({ profile: name, seed, commit: commitOf(), skipped }, results);
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(folder, `${name}.md`), pageOf(report));
  rmSync(path, { force: true });
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : pageOf(report));
  return report.engines.every((engine) => isClean(engine) && engine.crashes === 0) ? 0 : 1;
}

/** What failed first, then what failed while all was cleared away. */
function stackOf(error: Error): string {
  if (!(error instanceof SuppressedError)) return String(error.stack);
  return `${stackOf(error.suppressed)}\n${stackOf(error.error)}`;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const code = await run(process.argv.slice(2)).catch((error: Error & { code?: unknown }) => {
  // The code of a program that failed is a number.
  const isUsage = error instanceof Usage || String(error.code).startsWith("ERR_PARSE_ARGS");
  process.stderr.write(`${isUsage ? error.message : stackOf(error)}\n`);
  return isUsage ? 2 : 1;
});
// Not by its own end: Node 24.21 was seen to turn for ever in Environment::CleanupHandles after a run of all six engines.
process.exit(code);
