import { spawnSync } from "node:child_process";
import type { Campaign, Tally } from "./pool.ts";

const barCells = 24;

/** One line of how far a campaign is. */
export function progressLine({ count }: Campaign, { played, failures }: Tally, tookMs: number): string {
  const cells = Math.round((barCells * played) / count);
  const perSecond = (played / tookMs) * 1_000;
  const left = perSecond > 0 ? `${duration((count - played) / perSecond)} left` : "";
  const bar = "█".repeat(cells) + "░".repeat(barCells - cells);
  return `${bar} ${inWords(played)} of ${inWords(count)}  ${perSecond.toFixed(1)}/s  ${left}  ${failures.length} failed`;
}

/** What a campaign came to, for people; each failure with the command that plays it again. */
export function summary(campaign: Campaign, tally: Tally, tookMs: number): string {
  const { played, steps, operations, virtualMs, failures, nextSeed } = tally;
  const replay = (seed: number) => `npm run simulate -- --seed ${seed}${mutantFlag(campaign)}`;
  const lines = failures.flatMap(({ seed, problems }) => [
    `seed ${seed} at ${commit()} failed:`,
    ...problems.map((problem) => `  ${problem}`),
    `  ${replay(seed)}`,
  ]);
  lines.push(
    `${inWords(played)} schedules from seed ${campaign.firstSeed} on: ${failures.length} failed. ` +
      `${inWords(operations)} commands, ${inWords(steps)} steps, ${(virtualMs / 3_600_000).toFixed(1)} hours of their time ` +
      `in ${duration(tookMs / 1_000)} (${((played / tookMs) * 1_000).toFixed(1)} schedules a second).`,
  );
  const left = campaign.firstSeed + campaign.count - nextSeed;
  if (left > 0) {
    const flags = `--schedules ${left} --seed ${nextSeed}${mutantFlag(campaign)}`;
    lines.push(`${inWords(left)} are left: npm run simulate -- ${flags}`);
  }
  return lines.join("\n");
}

/** The same for programs. */
export function jsonSummary(campaign: Campaign, tally: Tally, tookMs: number): object {
  const { firstSeed, count, mutant } = campaign;
  return { commit: commit(), firstSeed, schedules: count, mutant, ...tally, tookMs: Math.round(tookMs) };
}

function mutantFlag({ mutant }: Campaign): string {
  return mutant === undefined ? "" : ` --mutant ${mutant}`;
}

/** The commit that is checked out: with the seed it is all that a replay needs. */
function commit(): string {
  const git = (...args: string[]) =>
    spawnSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).stdout?.trim();
  const head = git("rev-parse", "--short", "HEAD") || "an unknown commit";
  return git("status", "--porcelain") ? `${head} with changes` : head;
}

function inWords(count: number): string {
  return count.toLocaleString("en");
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5_400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`;
}
