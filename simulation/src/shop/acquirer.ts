import { type Behaviour, Book, testCards } from "@banyan/neopay-acquirer";
import type { Operation, Outcome } from "@banyan/neopay-acquirer/contract";
import { newLife } from "../time/timeline.ts";
import type { World } from "../world/world.ts";
import type { Reply } from "./way.ts";

const lateMs = 3_000;
const oddities = ["doNotHonor", "insufficientFunds", "silent", "deaf", "late", "twice", "forgetful"] as const;

/** NeoPay's acquirer, its book and its cards' manners, with virtual time in place of a server's. */
export class Acquirer {
  readonly life = newLife("acquirer");
  readonly book = new Book();
  /** From now on every question is answered. */
  isCured = false;
  private readonly world: World;
  private readonly heard = new Set<string>();
  private cards = 0;

  constructor(world: World) {
    this.world = world;
  }

  /** The token of a card, which may be odd. */
  newCard(): string {
    const { dice, weather } = this.world;
    const odd = weather.hasMute && dice.chance(0.2) ? "mute" : dice.pick(oddities);
    const behaviour: Behaviour = dice.chance(weather.oddCard) ? odd : "approves";
    const token = `tok_${String(++this.cards).padStart(24, "0")}`;
    this.book.addToken(token, testCards[behaviour]);
    return token;
  }

  operate(key: string, operation: Operation): Reply<Outcome> {
    const manner = this.mannerOf(key, operation);
    if (manner === "deaf") return { answer: undefined, lateMs: 0 };
    const outcome = this.book.operate(key, operation);
    if (outcome === undefined) this.world.failures.push(`the acquirer was asked for two things under ${key}`);
    if (manner === "forgetful" && operation.kind === "authorize") this.book.forget(key);
    this.world.say(this.life, `${operation.kind} ${key}: ${outcome?.reason ?? "done"} (${manner})`);
    const isSilent = manner === "silent" || manner === "mute";
    return { answer: isSilent ? undefined : outcome, lateMs: manner === "late" ? lateMs : 0 };
  }

  private mannerOf(key: string, operation: Operation): Behaviour {
    const isFirst = !this.heard.has(key);
    this.heard.add(key);
    const behaviour = this.book.behaviourOf(operation);
    if (behaviour === "mute") return this.isCured ? "approves" : "mute";
    return isFirst ? behaviour : "approves";
  }
}
