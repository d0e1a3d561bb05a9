import type { App } from "@banyan/kernel/app";
import type { InProcessLog } from "@banyan/kernel/log";
import { BankTown } from "../bank/town.ts";
import { Shop } from "../shop/shop.ts";
import type { Life } from "../time/timeline.ts";
import { Place, type Wiring } from "./process.ts";
import type { Operator, Scenario, ScenarioName } from "./scenario.ts";
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

const scenarios: Readonly<Record<ScenarioName, (world: World) => Scenario>> = {
  bank: (world) => new BankTown(world),
  shop: (world) => new Shop(world),
};

/** Six of seven seeds are banks. */
function scenarioOf(seed: number): ScenarioName {
  return seed % 7 === 0 ? "shop" : "bank";
}

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
  const scenario = scenarios[wiring.scenario ?? scenarioOf(seed)](world);
  const schedule = new Schedule(world, scenario, wiring);
  const problems = await schedule.play();
  const { steps, now, digest } = world.timeline;
  return {
    seed,
    problems: [...world.failures, ...problems],
    steps,
    virtualMs: now,
    operations: scenario.operations,
    digest: digest >>> 0,
  };
}

/** Whether every group has acknowledged every message. */
function isRead({ messages, places }: InProcessLog, listeners: number): boolean {
  return (
    messages.length === 0 ||
    (places.size === listeners && [...places.values()].every(({ floor }) => floor === messages.length))
  );
}

class Schedule {
  private readonly world: World;
  private readonly scenario: Scenario;
  private readonly places: readonly Place[];

  constructor(world: World, scenario: Scenario, wiring: Wiring) {
    this.world = world;
    this.scenario = scenario;
    const means = { scenario, wiring };
    this.places = Array.from({ length: world.weather.processes }, (_, at) => new Place(world, `p${at + 1}`, means));
  }

  async play(): Promise<string[]> {
    const { world, scenario } = this;
    world.timeline.afterStep = (life) => this.stormOn(life);
    for (const place of this.places) place.start();
    scenario.begin(this.places);
    await this.until(() => world.timeline.now > world.weather.stormMs);
    this.calm();
    const problems = await this.settled("the storm");
    if (problems.length === 0) problems.push(...scenario.check());
    if (problems.length > 0) return problems;
    const operator: Operator = {
      operate: (what, act) => this.operate(what, act),
      settled: (after) => this.settled(after),
    };
    return scenario.recover(operator);
  }

  private async settled(after: string): Promise<string[]> {
    const isSettled = await this.until(() => this.isAtRest(), this.scenario.settleMs);
    return isSettled ? [] : [`did not settle after ${after}: ${this.scenario.whatWaits()}`];
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
    const { world, scenario, places } = this;
    // Nothing may wait while the log or the database is still away: what is asked of them then fails, and rightly.
    return (
      world.isDatabaseUp &&
      world.log.isUp &&
      scenario.isAtRest() &&
      places.every(({ app }) => app?.state === "started") &&
      (!world.weather.hasLog || isRead(world.log, scenario.listeners))
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
