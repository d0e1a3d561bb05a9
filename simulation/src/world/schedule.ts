import type { App } from "@banyan/kernel/app";
import type { InProcessLog } from "@banyan/kernel/log";
import {
  checkCommands,
  checkDeliveries,
  checkEvents,
  checkJobs,
  checkProjection,
  isQuiet,
  whatWaits,
} from "../check/checks.ts";
import { History } from "../check/history.ts";
import type { Life } from "../time/timeline.ts";
import { Client } from "./client.ts";
import { Place, type Wiring } from "./process.ts";
import { PlannedTrouble } from "./trouble.ts";
import { World } from "./world.ts";

/** What one schedule came to. */
export interface Verdict {
  readonly seed: number;
  /** Empty where every promise was kept. */
  readonly problems: readonly string[];
  readonly steps: number;
  readonly virtualMs: number;
  readonly operations: number;
  /** Equal for equal schedules. */
  readonly digest: number;
}

/** The wiring that ships. */
export const soundWiring: Wiring = { store: (store) => store, log: (log) => log };

const clients = 3;
/** After the storm everything must come to rest within this. */
const settleMs = 60_000;
const recoveryMs = 10_000;
/** A world that takes more steps than this goes round in circles. */
const stepsMax = 400_000;

/** Plays the schedule of one seed: a storm, a calm, and then every check. */
export async function playSchedule(
  seed: number,
  wiring: Wiring = soundWiring,
  tell: ((line: string) => void) | null = null,
): Promise<Verdict> {
  const world = new World(seed, tell);
  const schedule = new Schedule(world, wiring);
  const problems = await schedule.play();
  const { steps, now, digest } = world.timeline;
  return {
    seed,
    problems: [...world.failures, ...problems],
    steps,
    virtualMs: now,
    operations: schedule.history.operations.length,
    digest: digest >>> 0,
  };
}

/** The services that hear of events: groups of the log. */
const listeners = 2;

/** Whether every group has acknowledged every message. */
function isRead({ messages, places }: InProcessLog): boolean {
  return (
    messages.length === 0 ||
    (places.size === listeners && [...places.values()].every(({ floor }) => floor === messages.length))
  );
}

class Schedule {
  readonly history = new History();
  private readonly world: World;
  private readonly trouble: PlannedTrouble;
  private readonly places: readonly Place[];
  private readonly clients: readonly Client[];

  constructor(world: World, wiring: Wiring) {
    this.world = world;
    this.trouble = new PlannedTrouble(world);
    const means = { trouble: this.trouble, wiring };
    this.places = Array.from({ length: world.weather.processes }, (_, at) => new Place(world, `p${at + 1}`, means));
    this.clients = Array.from(
      { length: clients },
      (_, at) => new Client(world, this.places, this.history, `client${at + 1}`),
    );
  }

  async play(): Promise<string[]> {
    const { world } = this;
    const { operations, stormMs } = world.weather;
    world.timeline.afterStep = (life) => this.stormOn(life);
    for (const place of this.places) place.start();
    for (const client of this.clients) client.start(Math.ceil(operations / clients));
    await this.until(() => world.timeline.now > stormMs);
    this.calm();
    if (!(await this.until(() => this.isAtRest(), settleMs))) {
      const waiting = this.clients.filter(({ isDone }) => !isDone).length;
      return [`did not settle: ${whatWaits(world.database)}, ${waiting} clients without an answer`];
    }
    const { database } = world;
    const problems = [
      ...checkCommands(this.history, database),
      ...checkEvents(database),
      ...checkDeliveries(database),
      ...checkJobs(database),
      ...checkProjection(database, "live"),
    ];
    return problems.length > 0 ? problems : this.recover();
  }

  /** What an operator does afterwards: rebuilds, redrives what was given up once its cause is mended, and sends everything again. */
  private async recover(): Promise<string[]> {
    const { database } = this.world;
    await this.operate("rebuild", (app) => app.rebuild("desk.total"));
    const problems = checkProjection(database, "rebuilt");
    this.trouble.isCured = true;
    await this.operate("redrive", async (app) => {
      for (const { id } of await app.deadLetters({ limit: 1_000 })) {
        const end = await app.redrive(id);
        if (end !== "handled") problems.push(`a dead letter whose cause was mended was ${end} when redriven`);
      }
      for (const { id } of await app.jobs({ state: "dead", limit: 1_000 })) await app.retryJob(id);
    });
    if (!(await this.until(() => this.isAtRest(), settleMs))) {
      problems.push(`did not settle after the redrive: ${whatWaits(database)}`);
    }
    await this.operate("republish", (app) => app.republish(0));
    if (!(await this.until(() => this.isAtRest(), settleMs))) {
      problems.push(`did not settle after everything was sent again: ${whatWaits(database)}`);
    }
    problems.push(...checkCommands(this.history, database), ...checkJobs(database));
    problems.push(...checkDeliveries(database).filter((problem) => !problem.startsWith("reordered")));
    return problems;
  }

  private async operate(what: string, act: (app: App) => Promise<unknown>): Promise<void> {
    let isDone = false;
    const [place] = this.places as [Place];
    place.ask(
      async (app) => {
        await act(app).catch((error: unknown) => this.world.failures.push(`${what} failed: ${error}`));
        isDone = true;
      },
      () => this.world.failures.push(`nobody was there to ${what}`),
    );
    if (!(await this.until(() => isDone, recoveryMs))) this.world.failures.push(`${what} did not end`);
  }

  private isAtRest(): boolean {
    return (
      this.clients.every(({ isDone }) => isDone) &&
      this.places.every(({ app }) => app?.state === "started") &&
      isQuiet(this.world.database) &&
      (!this.world.weather.hasLog || isRead(this.world.log))
    );
  }

  private calm(): void {
    this.world.isStorming = false;
    this.world.say(this.world.outside, "the storm is over");
    for (const place of this.places) place.resume();
  }

  /** What the storm does to a process that has just taken a step. */
  private stormOn(life: Life): void {
    const { world } = this;
    const place = this.places.find((one) => one.life === life);
    if (place === undefined || !world.isStorming) return;
    const { kill, pause, pauseMs, replace } = world.weather;
    if (world.strikes(kill)) place.kill();
    else if (world.strikes(pause)) place.pause(world.dice.between(0, pauseMs));
    else if (world.strikes(replace)) place.replace();
  }

  private async until(isOver: () => boolean, withinMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const { timeline } = this.world;
    const end = timeline.now + withinMs;
    let done = false;
    await timeline.run(() => {
      done = isOver();
      return done || timeline.now > end || timeline.steps > stepsMax;
    });
    return done;
  }
}
