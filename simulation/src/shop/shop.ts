import type { Service } from "@banyan/kernel";
import { paymentsOver } from "@banyan/neopay-payments";
import type { Dialect } from "../memory/dialect.ts";
import { jobs } from "../memory/tables.ts";
import type { Life } from "../time/timeline.ts";
import { Planned } from "../world/planned.ts";
import type { Callee, Operator, Scenario } from "../world/scenario.ts";
import type { World } from "../world/world.ts";
import { Acquirer } from "./acquirer.ts";
import { booksService, registerService } from "./books.ts";
import { booksDialect } from "./books-statements.ts";
import { checkAcquirer, checkBooks, checkPayments, checkRuns, checkSales, goingRuns, stuckRuns } from "./checks.ts";
import { CourierOffice } from "./courier.ts";
import { Customer, type Purse } from "./customer.ts";
import { paymentsDialect } from "./payments-statements.ts";
import { accounts } from "./rows.ts";
import { shopService } from "./sell.ts";
import { shopDialect } from "./shop-statements.ts";
import { askOutside, noAnswer } from "./way.ts";

const customerCount = 3;
const wallets = ["users:ann:wallet", "users:ben:wallet"] as const;

/** NeoPay's payments over an acquirer that misbehaves, a shop that sells by them, and three customers. */
export class Shop implements Scenario {
  readonly dialect: Dialect = (text) => paymentsDialect(text) ?? booksDialect(text) ?? shopDialect(text);
  readonly listeners = 1;
  /** Whatever is to happen at a time by a clock that is wrong by a day happens a day later. */
  readonly skewMsMax = 5_000;
  /** Six tries of an acquirer that does not answer, and ten of their undo, with growing pauses. */
  readonly settleMs = 1_800_000;
  private readonly world: World;
  private readonly acquirer: Acquirer;
  private readonly courier: CourierOffice;
  private customers: readonly Customer[] = [];

  constructor(world: World) {
    this.world = world;
    this.acquirer = new Acquirer(world);
    this.courier = new CourierOffice(world);
    void this.openAccounts();
  }

  get operations(): number {
    return this.customers.reduce((sum, { asked }) => sum + asked.length, 0);
  }

  services(from: Life): readonly Service[] {
    const { world, acquirer, courier } = this;
    const toAcquirer = { world, from, to: acquirer.life };
    const toCourier = { world, from, to: courier.life };
    return [
      booksService,
      registerService,
      paymentsOver({
        operate: (key, operation, signal) => askOutside(toAcquirer, () => acquirer.operate(key, operation), signal),
        close: () => {},
      }),
      shopService({
        send: (reference, signal) => askOutside(toCourier, () => courier.send(reference), signal),
        callBack: (reference, signal) => askOutside(toCourier, () => courier.callBack(reference), signal),
        insure: (reference, parcel, signal) => askOutside(toCourier, () => courier.insure(reference, parcel), signal),
        endInsurance: (reference, signal) => askOutside(toCourier, () => courier.endInsurance(reference), signal),
      }),
    ];
  }

  begin(places: readonly Callee[]): void {
    const { world } = this;
    const purchases = Math.ceil(world.weather.operations / customerCount / 3);
    this.customers = Array.from({ length: customerCount }, (_, at) => {
      const newPurse = () => this.newPurse();
      return new Customer(world, places, { name: `customer${at + 1}`, newPurse });
    });
    for (const customer of this.customers) customer.start(purchases);
  }

  /** A step that got no answer is given up in the end, and an undo waits for a person. */
  isPlanned(error: unknown): boolean {
    return error instanceof Planned || String(error).includes(noAnswer);
  }

  /** A run that waits for a person holds up whoever waits for it; what is under way may come to wait for one too. */
  isAtRest(): boolean {
    const left = [...this.world.database.rows(jobs).values()];
    if (left.some(({ deadAt }) => deadAt !== undefined)) return left.every(({ owner }) => owner === undefined);
    return left.length === 0 && this.customers.every(({ isDone }) => isDone);
  }

  whatWaits(): string {
    const waiting = this.customers.flatMap(({ asked }) => asked.filter(({ outcome }) => outcome === "unknown"));
    return [...goingRuns(this.world.database), ...waiting.map(({ key }) => `nobody answers ${key}`)].join("; ");
  }

  check(): string[] {
    const { database } = this.world;
    const stuck = stuckRuns(database);
    const problems = [
      ...this.customers.flatMap(({ contradictions }) => contradictions),
      ...checkRuns(database),
      ...checkBooks(database),
      ...checkSales(database, this.courier),
    ];
    if (stuck.length === 0) problems.push(...checkPayments(database), ...checkAcquirer(database, this.acquirer.book));
    else if (!this.hasMute) problems.push(...stuck.map(({ id, error }) => `the run ${id} is stuck: ${error}`));
    return problems;
  }

  /** The acquirer answers again, and what waits for a person goes on. */
  async recover({ operate, settled }: Operator): Promise<string[]> {
    const { database } = this.world;
    this.acquirer.isCured = true;
    await operate("retry", async ({ workflows }) => {
      for (const { id } of stuckRuns(database)) await workflows.retry(id);
    });
    const problems = await settled("the retry");
    return problems.length > 0 ? problems : this.check();
  }

  private get hasMute(): boolean {
    return this.world.weather.hasMute && !this.acquirer.isCured;
  }

  private newPurse(): Purse {
    const { dice } = this.world;
    if (dice.chance(0.4)) return { method: "WALLET", instrument: dice.pick(wallets) };
    return { method: "CC", instrument: this.acquirer.newCard() };
  }

  /** Done before the first step is taken. */
  private async openAccounts(): Promise<void> {
    const transaction = this.world.database.begin();
    const rows = [
      ["world:till", -10_000, null],
      ["merchants:acme:settlement", 0, 0],
      ["fees:acme", 0, 0],
      ...wallets.map((wallet) => [wallet, 5_000, 0] as const),
    ] as const;
    for (const [address, balanceMinor, floorMinor] of rows) {
      await transaction.insert(accounts, address, { balanceMinor, heldMinor: 0, floorMinor });
    }
    transaction.commit();
  }
}
