import type { App, RootCallOptions } from "@banyan/kernel/app";
import { isFault } from "@banyan/kernel/store";
import { newLife } from "../time/timeline.ts";
import type { Callee } from "../world/scenario.ts";
import type { World } from "../world/world.ts";
import { bank } from "./contract.ts";
import type { History, Operation } from "./history.ts";

type Answer =
  | { readonly kind: "ok" | "refused"; readonly text: string }
  /** Nothing was done. */
  | { readonly kind: "not done" }
  | { readonly kind: "unknown" };

const accountNames = ["ann", "ben", "cleo", "dan"] as const;
/** Between two tries of one operation. */
const restMs = 200;

/**
 * One client: asks one thing after the other, of whichever process it finds, and asks again with the same key where it does
 * not know what became of it. It goes on until it knows, or cannot know.
 */
export class Client {
  private readonly world: World;
  private readonly places: readonly Callee[];
  private readonly history: History;
  private readonly life;
  isDone = false;

  constructor(world: World, places: readonly Callee[], ...[history, name]: [history: History, name: string]) {
    this.world = world;
    this.places = places;
    this.history = history;
    this.life = newLife(name);
  }

  start(operations: number): void {
    const run = async () => {
      for (let turn = 0; turn < operations; turn++) {
        await this.rest(this.world.dice.between(0, (2 * this.world.weather.stormMs) / operations));
        await this.perform(this.history.invoked(this.drawn(turn)));
      }
      this.isDone = true;
    };
    this.world.timeline.after(0, this.life, "begins", () => void run());
  }

  private drawn(turn: number): Operation {
    const { dice, weather } = this.world;
    const reference = `${this.life.name}-${turn}`;
    const names = accountNames.slice(0, weather.accounts);
    const key = dice.chance(weather.keyless) ? undefined : `key ${reference}`;
    const open = { reference, idempotencyKey: key, outcome: "unknown", answer: undefined } as const;
    const account = dice.pick(names);
    if (names.length === 1 || dice.chance(0.5)) {
      const amount = dice.whole(-400, 600);
      const input = { reference, account, amount };
      return { ...open, action: "credit", input, legs: [{ account, amount }] };
    }
    const to = dice.pick(names.filter((name) => name !== account));
    const amount = dice.whole(1, 600);
    const legs = [
      { account, amount: -amount },
      { account: to, amount },
    ];
    return { ...open, action: "transfer", input: { reference, from: account, to, amount }, legs };
  }

  private async perform(operation: Operation): Promise<void> {
    const { dice, weather } = this.world;
    while (operation.outcome === "unknown") {
      const times = operation.idempotencyKey !== undefined && dice.chance(weather.twice) ? 2 : 1;
      const answers = await Promise.all(Array.from({ length: times }, () => this.ask(operation, operation.input)));
      for (const answer of answers) this.note(operation, answer);
      if (operation.idempotencyKey === undefined && answers.some(({ kind }) => kind === "unknown")) return;
      if (operation.outcome === "unknown") await this.rest(dice.between(0, restMs));
    }
    if (operation.idempotencyKey === undefined || !dice.chance(weather.again)) return;
    await this.rest(dice.between(0, weather.stormMs / 4));
    this.note(operation, await this.ask(operation, operation.input));
    await this.misuse(operation);
  }

  /** The same key with another body is refused, whatever the first came to. */
  private async misuse(operation: Operation): Promise<void> {
    const answer = await this.ask(operation, { ...operation.input, amount: 7_777 });
    if (answer.kind === "ok" || (answer.kind === "refused" && !answer.text.includes("idempotencyConflict"))) {
      this.history.contradictions.push(`${operation.reference}: its key with another body was answered ${answer.text}`);
    }
  }

  private note(operation: Operation, answer: Answer): void {
    this.world.say(
      this.life,
      `${operation.reference}: ${"text" in answer ? `${answer.kind} ${answer.text}` : answer.kind}`,
    );
    if (answer.kind === "ok" || answer.kind === "refused") this.history.answered(operation, answer.kind, answer.text);
  }

  private ask(operation: Operation, input: Operation["input"]): Promise<Answer> {
    const { dice, timeline, weather } = this.world;
    const place = dice.pick(this.places);
    this.world.say(this.life, `asks ${place.life.name} to ${operation.action} ${JSON.stringify(input)}`);
    return new Promise((resolve) => {
      const hear = (answer: Answer) =>
        void timeline.after(this.world.latencyMs(), this.life, "hears", () => resolve(answer));
      timeline.after(2 * weather.clientPatienceMs, this.life, "gives up", () => resolve({ kind: "unknown" }));
      const options = { idempotencyKey: operation.idempotencyKey, deadlineMs: weather.clientPatienceMs };
      const broken = () => hear({ kind: "unknown" });
      place.ask(async (app) => hear(await answerOf(call(app, { action: operation.action, input }, options))), broken);
    });
  }

  private rest(ms: number): Promise<void> {
    return new Promise((resolve) => void this.world.timeline.after(ms, this.life, "goes on", resolve));
  }
}

function call(
  app: App,
  { action, input }: Pick<Operation, "action" | "input">,
  options: RootCallOptions,
): Promise<{ readonly balance: number }> {
  return app.call(bank[action], input as never, options);
}

async function answerOf(answer: Promise<unknown>): Promise<Answer> {
  try {
    return { kind: "ok", text: JSON.stringify(await answer) };
  } catch (error) {
    if (!isFault(error)) return { kind: "refused", text: String(error) };
    if (error.retry === "yes") return { kind: "not done" };
    if (error.retry === "unknown") return { kind: "unknown" };
    return { kind: "refused", text: `${error.code} ${JSON.stringify(error.details)}` };
  }
}
