import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Verdict } from "../world/schedule.ts";

/** What a child is to play: seeds in a row. */
export interface Assignment {
  readonly firstSeed: number;
  readonly count: number;
  readonly mutant: string | undefined;
}

/** What came of an assignment. */
export interface Played {
  readonly firstSeed: number;
  readonly verdicts: readonly Verdict[];
}

/** Which schedules to play, and how. */
export interface Campaign extends Assignment {
  /** Children that play at the same time. */
  readonly processes: number;
  /** After so many failures no more are looked for. */
  readonly failuresMax: number;
  readonly signal?: AbortSignal;
  /** Told of each assignment that is done. */
  onPlayed?(tally: Tally): void;
}

/** What a campaign has come to, so far or in the end. */
export interface Tally {
  readonly played: number;
  readonly steps: number;
  readonly operations: number;
  readonly virtualMs: number;
  /** Of each schedule, by seed. */
  readonly digests: readonly number[];
  /** In the order of their seeds. */
  readonly failures: readonly Verdict[];
  /** Every seed before it has been played: where an interrupted campaign goes on. */
  readonly nextSeed: number;
}

const assignmentMost = 20;
/** Where one failure is enough. */
const assignmentLeast = 4;
/** A child that was killed leaves promises that never settle behind; a new one begins with an empty heap. */
const schedulesPerChild = 1_000;

/** Plays a campaign's schedules in children of this process, and resolves when all are played, or enough have failed. */
export async function playCampaign(campaign: Campaign): Promise<Tally> {
  const most = campaign.failuresMax === 1 ? assignmentLeast : assignmentMost;
  const count = Math.min(most, Math.ceil(campaign.count / campaign.processes));
  const end = campaign.firstSeed + campaign.count;
  const done = new Map<number, readonly Verdict[]>();
  let next = campaign.firstSeed;
  const isOver = () =>
    next >= end || campaign.signal?.aborted || tallyOf(campaign, done).failures.length >= campaign.failuresMax;
  const work = async () => {
    while (!isOver()) {
      const child = fork(join(import.meta.dirname, "worker-main.ts"), { execArgv: [], stdio: ["ignore", 2, 2, "ipc"] });
      campaign.signal?.addEventListener("abort", () => child.kill("SIGKILL"), { once: true });
      for (let left = schedulesPerChild; left > 0 && !isOver(); left -= count) {
        const assignment = { firstSeed: next, count: Math.min(count, end - next), mutant: campaign.mutant };
        next += assignment.count;
        const played = await playedBy(child, assignment);
        if (played === undefined) return;
        done.set(played.firstSeed, played.verdicts);
        campaign.onPlayed?.(tallyOf(campaign, done));
      }
      child.disconnect();
    }
  };
  await Promise.all(Array.from({ length: campaign.processes }, work));
  return tallyOf(campaign, done);
}

/** Undefined where the child was killed; throws where it died by itself. */
function playedBy(child: ChildProcess, assignment: Assignment): Promise<Played | undefined> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null, signal: string | null) => {
      if (signal === "SIGKILL") resolve(undefined);
      else reject(new Error(`a child that played seeds from ${assignment.firstSeed} on ended with ${code ?? signal}`));
    };
    child.once("exit", onExit);
    child.once("message", (played) => {
      child.off("exit", onExit);
      resolve(played as Played);
    });
    child.send(assignment);
  });
}

function tallyOf({ firstSeed }: Assignment, done: ReadonlyMap<number, readonly Verdict[]>): Tally {
  const verdicts = [...done.values()].flat().sort((a, b) => a.seed - b.seed);
  const sum = (of: (verdict: Verdict) => number) => verdicts.reduce((total, verdict) => total + of(verdict), 0);
  let nextSeed = firstSeed;
  for (let part = done.get(nextSeed); part !== undefined; part = done.get(nextSeed)) nextSeed += part.length;
  return {
    played: verdicts.length,
    steps: sum(({ steps }) => steps),
    operations: sum(({ operations }) => operations),
    virtualMs: sum(({ virtualMs }) => virtualMs),
    digests: verdicts.map(({ digest }) => digest),
    failures: verdicts.filter(({ problems }) => problems.length > 0),
    nextSeed,
  };
}
