import { storeFaults } from "@banyan/kernel/store";
import type { DatabaseTransaction } from "../memory/database.ts";
import type { Wire } from "../memory/wire.ts";
import type { Life } from "../time/timeline.ts";
import type { World } from "./world.ts";

/** How long a process tries to connect to a database that is away. */
const refusedMs = 5;

/** One process's way to the database: slow, and broken now and then. */
export class StormyWire implements Wire {
  private readonly world: World;
  private readonly life: Life;
  private readonly sessions = new Set<DatabaseTransaction>();

  constructor(world: World, life: Life) {
    this.world = world;
    this.life = life;
  }

  carry<T>(transaction: DatabaseTransaction, work: () => Promise<T>, mayCommit: boolean): Promise<T> {
    const { world } = this;
    const { timeline, weather } = world;
    this.sessions.add(transaction);
    return new Promise<T>((resolve, reject) => {
      const reply = (act: () => void) => timeline.after(world.latencyMs(), this.life, "answer", act);
      const broken = () => reject(mayCommit ? storeFaults.uncertain() : storeFaults.unavailable());
      if (!world.isDatabaseUp) {
        timeline.after(refusedMs, this.life, "refused", () => reject(storeFaults.unavailable()));
        return;
      }
      if (world.strikes(weather.loseRequest)) {
        world.say(this.life, "loses its connection before the server hears of it");
        this.sever(transaction);
        reply(broken);
        return;
      }
      timeline.after(world.latencyMs(), world.server, "request", () => {
        if (world.strikes(weather.crash)) world.crashDatabase();
        if (!world.isDatabaseUp || !transaction.isOpen) return void reply(broken);
        const settle = (answer: () => void) => {
          if (!transaction.isOpen) this.sessions.delete(transaction);
          if (!world.strikes(weather.loseReply)) return void reply(answer);
          world.say(this.life, "loses its connection before it hears the answer");
          this.sever(transaction);
          reply(broken);
        };
        this.refused(transaction, mayCommit);
        work().then(
          (value) => settle(() => resolve(value)),
          (error: unknown) => settle(() => (isLost(error) ? broken() : reject(error))),
        );
      });
    });
  }

  notify(deliver: () => void): void {
    const { world } = this;
    if (!this.life.isAlive || world.strikes(world.weather.loseNotification)) return;
    world.timeline.after(world.latencyMs(), this.life, "notification", deliver);
  }

  /** The server finds out that the process is gone, and rolls back what it left. */
  severAll(): void {
    for (const transaction of this.sessions) this.sever(transaction);
    this.sessions.clear();
  }

  private sever(transaction: DatabaseTransaction): void {
    const { dice, server, timeline, weather } = this.world;
    timeline.after(dice.between(0, weather.noticeMs), server, "session ends", () =>
      transaction.rollback(storeFaults.unavailable()),
    );
  }

  /** A commit that the server refuses: another transaction was in the way, or there is no room. */
  private refused(transaction: DatabaseTransaction, mayCommit: boolean): void {
    const { dice, weather } = this.world;
    if (!mayCommit || !this.world.strikes(weather.refuseCommit)) return;
    transaction.rollback(dice.chance(0.5) ? storeFaults.contended() : storeFaults.full());
  }
}

/** The session was ended under the statement. */
function isLost(error: unknown): boolean {
  return storeFaults.unavailable.is(error);
}
