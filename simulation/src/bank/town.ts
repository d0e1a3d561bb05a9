import { Planned } from "../world/planned.ts";
import type { Callee, Operator, Scenario } from "../world/scenario.ts";
import type { World } from "../world/world.ts";
import { checkCommands, checkDeliveries, checkEvents, checkProjection } from "./checks.ts";
import { Client } from "./client.ts";
import { History } from "./history.ts";
import { checkJobs, checkTurns, isQuiet, whatWaits } from "./job-checks.ts";
import { LimitWatch } from "./limits.ts";
import { bankServices } from "./services.ts";
import { bankDialect } from "./statements.ts";
import { PlannedTrouble } from "./trouble.ts";

const clientCount = 3;

/** The bank, its desk, and three clients. */
export class BankTown implements Scenario {
  readonly dialect = bankDialect;
  readonly listeners = 2;
  readonly skewMsMax = Number.POSITIVE_INFINITY;
  readonly settleMs = 60_000;
  private readonly world: World;
  private readonly history = new History();
  private readonly trouble: PlannedTrouble;
  private readonly limits: LimitWatch;
  private clients: readonly Client[] = [];

  constructor(world: World) {
    this.world = world;
    this.trouble = new PlannedTrouble(world);
    this.limits = new LimitWatch(world.database);
  }

  get operations(): number {
    return this.history.operations.length;
  }

  services() {
    return bankServices(this.trouble);
  }

  begin(places: readonly Callee[]): void {
    const { world, history } = this;
    this.clients = Array.from(
      { length: clientCount },
      (_, at) => new Client(world, places, history, `client${at + 1}`),
    );
    for (const client of this.clients) client.start(Math.ceil(world.weather.operations / clientCount));
  }

  isPlanned(error: unknown): boolean {
    return error instanceof Planned;
  }

  isAtRest(): boolean {
    return this.clients.every(({ isDone }) => isDone) && isQuiet(this.world.database);
  }

  whatWaits(): string {
    const waiting = this.clients.filter(({ isDone }) => !isDone).length;
    return `${whatWaits(this.world.database)}, ${waiting} clients without an answer`;
  }

  check(): string[] {
    const { database } = this.world;
    return [
      ...checkCommands(this.history, database),
      ...checkEvents(database),
      ...checkDeliveries(database),
      ...checkJobs(database),
      ...checkTurns(database),
      ...this.limits.problems,
      ...checkProjection(database, "live"),
    ];
  }

  /** Rebuilds, redrives what was given up once its cause is mended, and sends everything again. */
  async recover({ operate, settled }: Operator): Promise<string[]> {
    const { database } = this.world;
    await operate("rebuild", (app) => app.rebuild("desk.total"));
    const problems = checkProjection(database, "rebuilt");
    this.trouble.isCured = true;
    await operate("redrive", async (app) => {
      for (const { id } of await app.deadLetters({ limit: 1_000 })) {
        const end = await app.redrive(id);
        if (end !== "handled") problems.push(`a dead letter whose cause was mended was ${end} when redriven`);
      }
      for (const { id } of await app.jobs({ state: "dead", limit: 1_000 })) await app.retryJob(id);
    });
    problems.push(...(await settled("the redrive")));
    await operate("republish", (app) => app.republish(0));
    problems.push(...(await settled("everything was sent again")));
    problems.push(...checkCommands(this.history, database), ...checkJobs(database), ...checkTurns(database));
    problems.push(...this.limits.problems);
    problems.push(...checkDeliveries(database).filter((problem) => !problem.startsWith("reordered")));
    return problems;
  }
}
