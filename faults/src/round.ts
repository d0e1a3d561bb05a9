import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Client, poisonedCounter } from "./client.ts";
import type { Engine } from "./engines.ts";
import { History } from "./history.ts";
import { type Exceptions, judge, type Span, type Verdict } from "./judge.ts";
import type { Abilities } from "./machine/abilities.ts";
import type { Profile } from "./profile.ts";
import { randomOf } from "./random.ts";
import {
  cutProcess,
  fillDisk,
  jumpClock,
  killAtPoints,
  killServer,
  pauseProcess,
  plant,
  restartProcess,
  spoilNetwork,
  untilAll,
} from "./scenarios.ts";
import { Stage } from "./stage.ts";

/** What one round did, and what came of it. */
export interface RoundResult extends Verdict {
  readonly engine: string;
  readonly round: number;
  /** Of processes of the application, at failpoints. */
  readonly kills: number;
  readonly serverKills: number;
  readonly pauses: number;
  readonly partitions: number;
  readonly cuts: number;
  readonly diskFulls: number;
  readonly clockJumps: number;
  readonly restarts: number;
  /** Processes of the application that a full disk has ended: none should. */
  readonly crashes: number;
  /** Messages that were put into the log by a stranger. */
  readonly planted: number;
  /** Failpoints that no process passed in time. */
  readonly notReached: readonly string[];
  /** Calls that were answered by a fault, and asked again. */
  readonly refused: number;
  /** How long it took after the last fault until nothing waited any more, in milliseconds. */
  readonly healedMs: number;
}

export interface RoundOptions {
  readonly engine: Engine;
  readonly round: number;
  readonly seed: number;
  readonly profile: Profile;
  readonly abilities: Abilities;
  /** Where the history is kept. */
  readonly folder: string;
  readonly progress: (what: string) => void;
}

const healMs = 60_000;

/** One round: an application under load, everything that may break, then peace, then judgement. Throws where it does not heal in a minute. */
export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const { engine, round, seed, profile, abilities, folder, progress } = options;
  const random = randomOf(seed, `${engine.name} ${round}`);
  const namespace = `faults-${seed}-${engine.name}-${round}-${process.pid}`;
  await using made = new AsyncDisposableStack();
  const history = made.adopt(new History(join(folder, `${engine.name}-${round}.jsonl`)), (one) => one.close());
  const stage = made.use(
    await Stage.open(engine, namespace, { random: randomOf(seed, `${namespace} network`), abilities }),
  );
  await stage.start();
  const database = await stage.connect();
  await database.query("INSERT INTO register.poisoned VALUES ($1)", [poisonedCounter]);
  await database.end();
  const client = made.adopt(
    new Client(history, randomOf(seed, `${namespace} load`), () => stage.alive()),
    // What nobody answers any more is not waited for.
    (one) => void one.stop().catch(() => {}),
  );
  const { clockSpans, ...done } = await trouble(stage, { profile, random, progress });
  progress("load");
  while (client.acknowledged < profile.messages) await pause(50);
  const healed = performance.now();
  progress("healing");
  await untilAll(stage);
  await client.stop();
  await heal(stage);
  const healedMs = Math.round(performance.now() - healed);
  const judging = await stage.connect();
  const verdict = await judge(judging, history.read(), { disordered: poisonedCounter, clockSpans });
  await judging.end();
  return { engine: engine.name, round, ...done, refused: client.refused, ...verdict, healedMs };
}

type Trouble = Pick<
  RoundResult,
  | "kills"
  | "serverKills"
  | "pauses"
  | "partitions"
  | "cuts"
  | "diskFulls"
  | "clockJumps"
  | "restarts"
  | "crashes"
  | "planted"
  | "notReached"
>;

async function trouble(
  stage: Stage,
  { profile, random, progress }: Pick<RoundOptions, "profile" | "progress"> & { readonly random: () => number },
): Promise<Trouble & Pick<Exceptions, "clockSpans">> {
  let kills = 0;
  const notReached: string[] = [];
  for (let turn = 0; turn < profile.killsPerPoint; turn++) {
    const missed = await killAtPoints(stage, random, (point) => {
      kills++;
      progress(`killed ${point}`);
    });
    notReached.push(...missed);
  }
  for (let turn = 0; turn < profile.serverKills; turn++) {
    progress("killing a server");
    await killServer(stage, random);
    await pause(500);
  }
  for (let turn = 0; turn < profile.pauses; turn++) {
    progress("pausing a process");
    await pauseProcess(stage, random, profile.lengthMs);
  }
  for (let turn = 0; turn < profile.partitions; turn++) {
    progress("spoiling the network");
    await spoilNetwork(stage, random, profile.lengthMs);
    await pause(500);
  }
  const machine = await troubleMachine(stage, { profile, random, progress });
  for (let turn = 0; turn < profile.restarts; turn++) {
    progress("replacing a process");
    await restartProcess(stage, random);
  }
  progress("planting");
  const planted = await plant(stage, random);
  const { serverKills, pauses, partitions, restarts } = profile;
  return { kills, serverKills, pauses, partitions, ...machine, restarts, planted, notReached };
}

/** What takes a machine that lets us; counts what was done. */
async function troubleMachine(
  stage: Stage,
  { profile, random, progress }: Pick<RoundOptions, "profile" | "progress"> & { readonly random: () => number },
): Promise<Pick<Trouble, "cuts" | "diskFulls" | "clockJumps" | "crashes"> & Pick<Exceptions, "clockSpans">> {
  const clockSpans: Span[] = [];
  const done = { cuts: 0, diskFulls: 0, clockJumps: 0, crashes: 0, clockSpans };
  for (; stage.namespaces.length > 0 && done.cuts < profile.cuts; done.cuts++) {
    progress("cutting a process off");
    await cutProcess(stage, random, profile.lengthMs);
  }
  for (; stage.clocks.length > 0 && done.clockJumps < profile.clockJumps; done.clockJumps++) {
    progress("setting a clock wrong");
    clockSpans.push(await jumpClock(stage, random, profile.lengthMs));
  }
  for (let turn = 0; turn < profile.diskFulls; turn++) {
    for (const disk of stage.disks) {
      progress(`filling the disk of ${disk.server?.name ?? "the database"}`);
      done.crashes += await fillDisk(stage, disk, profile.lengthMs);
      done.diskFulls++;
    }
  }
  return done;
}

/** Cures what was poisoned, gives it to its handlers once more, and waits until nothing waits. */
async function heal(stage: Stage): Promise<void> {
  const database = await stage.connect();
  await database.query("DELETE FROM register.poisoned");
  await database.end();
  const end = performance.now() + healMs;
  let quiet = 0;
  while (quiet < 3) {
    if (performance.now() > end) {
      const said = stage.subjects.map(({ output }) => output).join("\n");
      throw new Error(
        `${stage.engine.name} did not come to rest within ${healMs / 1_000} s of the last fault:\n${said}`,
      );
    }
    await pause(200);
    const alive = stage.alive();
    // Of each: not every engine counts what a consumer in another process has in hand.
    const asked = [alive[0]?.redrive(), ...alive.map((subject) => subject.backlog())];
    const answers = await Promise.all(asked).catch(() => []);
    const isAtRest = answers.length > 1 && answers.every((answer) => answer?.value === 0);
    quiet = isAtRest ? quiet + 1 : 0;
  }
}
