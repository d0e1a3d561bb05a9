import type { Service } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import type { Log } from "@banyan/kernel/log";
import { isFault, type Store } from "@banyan/kernel/store";
import type { Dialect } from "../memory/dialect.ts";
import { createMemoryStore } from "../memory/store.ts";
import { type Life, newLife } from "../time/timeline.ts";
import { StormyLog } from "./log.ts";
import type { Callee, Scenario, ScenarioName } from "./scenario.ts";
import { StormyWire } from "./wire.ts";
import type { World } from "./world.ts";

/** What is wrong with a world's wiring, on purpose. */
export interface Wiring {
  store(store: Store, world: World): Store;
  log(log: Log, world: World): Log;
  /** Who lives there; the seed decides where it is left out. */
  readonly scenario?: ScenarioName;
  service?(service: Service): Service;
  /** Statements of its own. */
  readonly dialect?: Dialect;
}

/** A place where one process after the other runs: each an application of its own over the shared database. */
export class Place implements Callee {
  readonly world: World;
  readonly name: string;
  life: Life;
  app: App | null = null;
  private readonly scenario: Scenario;
  private readonly wiring: Wiring;
  private wire: StormyWire | null = null;
  private log: StormyLog | null = null;
  private incarnation = 0;
  /** Ends calls that were under way when the process died. */
  private readonly breaks = new Set<() => void>();

  constructor(
    world: World,
    name: string,
    { scenario, wiring }: { readonly scenario: Scenario; readonly wiring: Wiring },
  ) {
    this.world = world;
    this.name = name;
    this.scenario = scenario;
    this.wiring = wiring;
    this.life = newLife(name);
    this.life.isAlive = false;
  }

  /** Starts a process, now and again until it starts: the database may be away. */
  start(): void {
    const { world } = this;
    const { dice, timeline, weather } = world;
    const life = newLife(`${this.name}.${++this.incarnation}`);
    const skewMs = Math.min(weather.skewMs, this.scenario.skewMsMax);
    life.skewMs = world.isStorming ? dice.between(-skewMs, skewMs) : 0;
    this.life = life;
    this.wire = new StormyWire(world, life);
    this.log = weather.hasLog ? new StormyLog(world, life) : null;
    timeline.after(0, life, "start", () => {
      const app = this.created(life);
      this.app = app;
      app.start().then(
        () => world.say(life, "has started"),
        () => this.end(life, dice.between(10, 500)),
      );
    });
  }

  private created(life: Life): App {
    const { world } = this;
    const began = world.timeline.now;
    const store = createMemoryStore({
      database: world.database,
      wire: this.wire as StormyWire,
      dialect: (text) => this.wiring.dialect?.(text) ?? this.scenario.dialect(text),
    });
    return createApp({
      services: this.scenario.services(life).map((service) => this.wiring.service?.(service) ?? service),
      store: this.wiring.store(store, world),
      ...(this.log !== null && { log: this.wiring.log(this.log, world) }),
      // The contracts are the same in every schedule; checking them takes milliseconds.
      validateOutput: false,
      clock: { now: () => world.timeline.wallClock(life), monotonic: () => world.timeline.now - began },
      report: (error, { action }) => {
        if ((isFault(error) && error.kind !== "internal") || this.scenario.isPlanned(error)) return;
        world.failures.push(`${action} failed unexpectedly: ${error instanceof Error ? error.stack : error}`);
      },
    });
  }

  /** It never takes another step. */
  kill(): void {
    if (!this.life.isAlive) return;
    this.world.say(this.life, "is killed");
    this.end(this.life, this.world.dice.between(1, 1_000));
  }

  pause(ms: number): void {
    const { world, life } = this;
    world.say(life, `stands still for ${Math.round(ms)} ms`);
    world.timeline.pause(life);
    world.timeline.after(ms, world.outside, "resume", () => world.timeline.resume(life));
    // Its server may take it for gone meanwhile, and it does not know.
    if (world.dice.chance(0.5)) this.wire?.severAll();
    if (world.dice.chance(0.5)) this.log?.interrupt();
  }

  /** Told to stop, it drains. */
  replace(): void {
    const { world, life, app } = this;
    if (app?.state !== "started") return;
    world.say(life, "is told to stop");
    world.timeline.after(0, life, "stop", () => {
      app.stop({ deadlineMs: world.dice.between(100, 3_000) }).then(
        () => this.end(life, world.dice.between(1, 500)),
        (error: unknown) => world.failures.push(`stop failed: ${error}`),
      );
    });
  }

  resume(): void {
    this.world.timeline.resume(this.life);
  }

  ask(call: (app: App) => Promise<void>, broken: () => void): void {
    const { life, app, world } = this;
    if (!life.isAlive || app === null) {
      broken();
      return;
    }
    this.breaks.add(broken);
    world.timeline.after(world.latencyMs(), life, "call", () => {
      void call(app).finally(() => this.breaks.delete(broken));
    });
  }

  private end(life: Life, backInMs: number): void {
    if (life !== this.life || !life.isAlive) return;
    life.isAlive = false;
    this.app = null;
    this.wire?.severAll();
    this.log?.sever();
    for (const broken of this.breaks) broken();
    this.breaks.clear();
    this.world.timeline.after(backInMs, this.world.outside, "restart", () => this.start());
  }
}
