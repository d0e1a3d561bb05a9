import type { RoundResult } from "./round.ts";

/** All rounds of an engine together. */
export interface EngineReport extends Omit<RoundResult, "round" | "healedMs"> {
  readonly rounds: number;
  /** Of all rounds the longest. */
  readonly healedMs: number;
}

/** What a run found. */
export interface Report {
  readonly profile: string;
  readonly seed: number;
  readonly commit: string;
  /** What this machine did not let us try, and why. */
  readonly skipped: readonly string[];
  readonly engines: readonly EngineReport[];
}

const counts = [
  "messages",
  "kills",
  "serverKills",
  "pauses",
  "partitions",
  "cuts",
  "diskFulls",
  "clockJumps",
  "restarts",
  "planted",
  "refused",
  "crashes",
  "lost",
  "duplicated",
  "phantom",
  "reordered",
  "overlapping",
  "unbalanced",
] as const;

/** Sums the rounds up, by engine. */
export function reportOf(run: Omit<Report, "engines">, results: readonly RoundResult[]): Report {
  const engines = [...Map.groupBy(results, ({ engine }) => engine)].map(([engine, rounds]) => ({
    engine,
    rounds: rounds.length,
    ...(Object.fromEntries(
      counts.map((count) => [count, rounds.reduce((sum, round) => sum + round[count], 0)]),
    ) as Record<(typeof counts)[number], number>),
    notReached: [...new Set(rounds.flatMap(({ notReached }) => notReached))],
    healedMs: Math.max(...rounds.map(({ healedMs }) => healedMs)),
  }));
  return { ...run, engines };
}

/** The page that people read. */
export function pageOf({ profile, seed, commit, skipped, engines }: Report): string {
  const head = ["engine", "rounds", ...counts, "healed in"];
  const rows = engines.map((engine) => [
    engine.engine,
    engine.rounds,
    ...counts.map((count) => engine[count].toLocaleString("en")),
    `${(engine.healedMs / 1_000).toFixed(1)} s`,
  ]);
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  const missed = engines.filter(({ notReached }) => notReached.length > 0);
  return [
    `# Faults: profile ${profile}`,
    "",
    `Commit ${commit}, seed ${seed}. \`npm run faults -- --profile ${profile} --seed ${seed}\` breaks the same things again, as far as time allows.`,
    "Crashes, lost, duplicated, phantom, reordered, overlapping and unbalanced are to be 0: see docs/FAULT-HARNESS.md for what each means.",
    "",
    line(head),
    line(head.map(() => "---")),
    ...rows.map(line),
    ...skipped.map((what) => `\nNot tried: ${what}.`),
    ...missed.map(({ engine, notReached }) => `\nNobody passed, at ${engine}: ${notReached.join("; ")}.`),
    "",
  ].join("\n");
}
