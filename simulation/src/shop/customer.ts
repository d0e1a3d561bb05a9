import type { App, RootCallOptions } from "@banyan/kernel/app";
import { isFault } from "@banyan/kernel/store";
import { payments } from "@banyan/neopay-payments/contract";
import { newLife } from "../time/timeline.ts";
import type { Callee } from "../world/scenario.ts";
import type { World } from "../world/world.ts";
import { shop } from "./contract.ts";

/** What somebody asked for under a key, and what came of it. */
export interface Asked {
  readonly key: string;
  readonly action: string;
  readonly input: unknown;
  /** Of a workflow: what it goes on as. */
  run: string | undefined;
  outcome: "ok" | "refused" | "unknown";
  answer: unknown;
}

/** Who pays with what: a wallet of the ledger or a card's token. */
export interface Purse {
  readonly method: "WALLET" | "CC";
  readonly instrument: string;
}

type Call = (app: App, options: RootCallOptions) => Promise<unknown>;

const restMs = 300;
const lifetimeMs = 60_000;

/** Buys one thing after the other, in one of several ways, and asks for each step of it until it knows what came of it. */
export class Customer {
  readonly asked: Asked[] = [];
  readonly contradictions: string[] = [];
  isDone = false;
  private readonly world: World;
  private readonly places: readonly Callee[];
  private readonly newPurse: () => Purse;
  private readonly life;

  constructor(
    world: World,
    places: readonly Callee[],
    { name, newPurse }: { readonly name: string; newPurse(): Purse },
  ) {
    this.world = world;
    this.places = places;
    this.newPurse = newPurse;
    this.life = newLife(name);
  }

  start(purchases: number): void {
    const run = async () => {
      for (let turn = 0; turn < purchases; turn++) {
        await this.rest(this.world.dice.between(0, this.world.weather.stormMs / purchases));
        await this.buy(`${this.life.name}-${turn}`);
      }
      this.isDone = true;
    };
    this.world.timeline.after(0, this.life, "begins", () => void run());
  }

  private buy(name: string): Promise<void> {
    const { dice } = this.world;
    const way = dice.whole(1, 6);
    if (way === 1) return this.payAtOnce(name);
    if (way === 2) return this.payInParts(name);
    return way === 3 ? this.payByCode(name) : this.buyFromShop(name);
  }

  private async payAtOnce(name: string): Promise<void> {
    const { id, instrument } = await this.created(name, this.newPurse(), "auto");
    if (id === undefined) return;
    const paid = await this.ask(`${name} authorize`, payments.authorize, { id, instrument });
    if (paid.outcome === "ok" && this.world.dice.chance(0.3)) {
      await this.ask(`${name} refund`, payments.refund, { id, amountMinor: this.world.dice.whole(1, 500) });
    }
  }

  /** Captures at the same time, and more than there is; what is left is released, or expires. */
  private async payInParts(name: string): Promise<void> {
    const { dice } = this.world;
    const { id, instrument } = await this.created(name, this.newPurse(), "manual");
    if (id === undefined) return;
    await this.ask(`${name} authorize`, payments.authorize, { id, instrument });
    const parts = Array.from({ length: dice.whole(1, 3) }, () => dice.whole(1, 700));
    await Promise.all(
      parts.map((amountMinor, at) => this.ask(`${name} capture ${at}`, payments.capture, { id, amountMinor })),
    );
    if (dice.chance(0.5)) await this.ask(`${name} refund`, payments.refund, { id });
    if (dice.chance(0.5)) await this.ask(`${name} cancel`, payments.cancel, { id });
  }

  /** The provider of a QR code says what became of it, several times and in any order. */
  private async payByCode(name: string): Promise<void> {
    const { dice } = this.world;
    const { id } = await this.created(name, { method: "QR", instrument: undefined }, "auto");
    if (id === undefined) return;
    const { answer, outcome } = await this.ask(`${name} authorize`, payments.authorize, { id });
    const reference = outcome === "ok" ? (answer as { pending: { id: string } | null }).pending?.id : undefined;
    if (reference === undefined) return;
    const types = (["authorized", "declined", "canceled"] as const).filter(() => dice.chance(0.5));
    const said = types.flatMap((type) => (dice.chance(0.5) ? [type, type] : [type]));
    await Promise.all(
      said.map((type, at) => {
        const notice = { provider: "qr", eventId: `${name} ${type}`, type, data: { reference } };
        return this.ask(`${name} notice ${at}`, payments.takeNotice, notice);
      }),
    );
  }

  private async buyFromShop(name: string): Promise<void> {
    const { dice } = this.world;
    const partsMinor = Array.from({ length: dice.whole(1, 3) }, () => dice.whole(100, 400));
    const selling = this.asking(`${name} sell`, { reference: name, ...this.newPurse(), partsMinor });
    const sold = this.untilKnown(selling, (app, options) => app.call(shop.sell, selling.input as never, options));
    // A run hears what is said since it began.
    while (selling.run === undefined && selling.outcome === "unknown") await this.rest(dice.between(0, restMs));
    await Promise.all([this.tellTwice(name), this.decide(selling)]);
    await sold;
  }

  private async tellTwice(reference: string): Promise<void> {
    for (const turn of [1, 2]) {
      await this.rest(this.world.dice.between(0, 5_000));
      await this.ask(`${reference} turn ${turn}`, shop.tell, { reference, turn });
    }
  }

  /** Says yes or no until the run has ended, or asks for its end. */
  private async decide(selling: Asked): Promise<void> {
    const { dice, weather } = this.world;
    const yes = dice.chance(0.8);
    while (selling.outcome === "unknown") {
      await this.rest(dice.between(0, 3_000));
      const { run = "" } = selling;
      const isOver = dice.chance(weather.cancel);
      await this.tried(({ workflows }) => (isOver ? workflows.cancel(run) : workflows.signal(run, "decided", { yes })));
    }
  }

  private async created(
    name: string,
    { method, instrument }: Purse | { method: "QR"; instrument: undefined },
    capture: "auto" | "manual",
  ) {
    const { dice, timeline, weather } = this.world;
    const livesMs = dice.chance(0.3) ? dice.between(1_000, weather.stormMs) : lifetimeMs;
    const expiresAt = new Date(timeline.epoch + timeline.now + livesMs).toISOString();
    const goods = { merchantTxnId: name, orderId: name, amountMinor: dice.whole(1, 1_000), currency: "EUR" };
    const made = await this.ask(`${name} create`, payments.create, {
      merchant: "acme",
      ...goods,
      method,
      capture,
      expiresAt,
    });
    return { id: made.outcome === "ok" ? (made.answer as { id: string }).id : undefined, instrument };
  }

  private asking(key: string, input: unknown): Asked {
    const asked: Asked = {
      key,
      action: key.replace(/^\S+ /, ""),
      input,
      run: undefined,
      outcome: "unknown",
      answer: undefined,
    };
    this.asked.push(asked);
    return asked;
  }

  private ask(key: string, action: Parameters<App["call"]>[0], input: unknown): Promise<Asked> {
    const asked = this.asking(key, input);
    return this.untilKnown(asked, (app, options) => app.call(action, input as never, options));
  }

  /** Asks again where it does not know, sometimes of two processes at once, and once more when it knows. */
  private async untilKnown(asked: Asked, call: Call): Promise<Asked> {
    const { dice, weather } = this.world;
    while (asked.outcome === "unknown") {
      const times = dice.chance(weather.twice) ? 2 : 1;
      await Promise.all(Array.from({ length: times }, () => this.askOnce(asked, call)));
      if (asked.outcome === "unknown") await this.rest(dice.between(0, restMs));
    }
    if (dice.chance(weather.again)) await this.askOnce(asked, call);
    return asked;
  }

  private async askOnce(asked: Asked, call: Call): Promise<void> {
    const { weather } = this.world;
    const options = { idempotencyKey: asked.key, deadlineMs: weather.clientPatienceMs };
    await this.tried(async (app) => {
      try {
        this.note(asked, "ok", await call(app, options));
      } catch (error) {
        if (!isFault(error)) throw error;
        if (error.code === "kernel.pending") asked.run = (error.details as { run: string }).run;
        // What a run ended in is for good, whatever its fault says of another try.
        const isEnd = error.retry === "no" || error.code.startsWith("payments.") || error.code === "kernel.internal";
        if (isEnd) this.note(asked, "refused", error.code);
      }
    });
  }

  private note(asked: Asked, outcome: "ok" | "refused", answer: unknown): void {
    this.world.say(this.life, `${asked.key}: ${outcome} ${JSON.stringify(answer)}`);
    const isSame = asked.outcome === outcome && JSON.stringify(asked.answer) === JSON.stringify(answer);
    if (asked.outcome !== "unknown" && !isSame) {
      this.contradictions.push(
        `${asked.key} was answered ${asked.outcome} ${JSON.stringify(asked.answer)}, and then ${outcome} ${JSON.stringify(answer)}`,
      );
    }
    asked.outcome = outcome;
    asked.answer = answer;
  }

  /** Does something at whichever process; resolves when that has answered, died or taken too long. */
  private tried(act: (app: App) => Promise<void>): Promise<void> {
    const { dice, timeline, weather } = this.world;
    return new Promise((resolve) => {
      const hear = () => void timeline.after(this.world.latencyMs(), this.life, "hears", resolve);
      timeline.after(2 * weather.clientPatienceMs, this.life, "gives up", resolve);
      dice.pick(this.places).ask(
        (app) =>
          act(app)
            .catch(() => {})
            .then(hear),
        hear,
      );
    });
  }

  private rest(ms: number): Promise<void> {
    return new Promise((resolve) => void this.world.timeline.after(ms, this.life, "goes on", resolve));
  }
}
