import { storeFaults } from "@banyan/kernel/store";
import { Random } from "../time/random.ts";
import { Planned } from "../world/planned.ts";
import type { World } from "../world/world.ts";
import type { Trouble } from "./services.ts";

/** What goes wrong in handlers: by reference, so that it goes wrong wherever and whenever the event is handled. */
export class PlannedTrouble implements Trouble {
  private readonly world: World;
  private readonly struck = new Map<string, number>();
  /** Nothing goes wrong any more: what was given up can be redriven. */
  isCured = false;

  constructor(world: World) {
    this.world = world;
  }

  isPoisoned(handler: string, reference: string): boolean {
    return handler !== "total" && this.dieOf(handler, reference, "poison") < this.world.weather.poison;
  }

  strike(handler: string, reference: string): void {
    if (this.isCured) return;
    if (this.isPoisoned(handler, reference)) throw new Planned(`${reference} is poison to ${handler}`);
    const { flaky, outOfReach } = this.world.weather;
    if (this.dieOf(handler, reference, "flaky") < flaky && this.count(`${handler} ${reference}`) <= 1) {
      throw new Planned(`${reference} fails ${handler} once`);
    }
    if (this.world.isStorming && this.dieOf(handler, reference, "outage") < outOfReach) throw storeFaults.unavailable();
  }

  private count(what: string): number {
    const count = (this.struck.get(what) ?? 0) + 1;
    this.struck.set(what, count);
    return count;
  }

  private dieOf(handler: string, reference: string, kind: string): number {
    return new Random(this.world.seed, `${handler} ${reference} ${kind}`).fraction();
  }
}
