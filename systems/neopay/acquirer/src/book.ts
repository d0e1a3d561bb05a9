import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Behaviour, behaviourOf } from "./cards.ts";
import type { Operation, Outcome, Totals } from "./contract.ts";

interface Authorization {
  readonly currency: string;
  readonly behaviour: Behaviour;
  readonly authorizedMinor: number;
  capturedMinor: number;
  refundedMinor: number;
  isVoided: boolean;
}

type Entry =
  | { readonly token: string; readonly number: string }
  | { readonly key: string; readonly operation: Operation }
  | { readonly forgotten: string };

/**
 * What an acquirer remembers: one outcome per key, for ever. Each entry is in the file before it is answered, so that it survives
 * the process (the machine it need not). Without a file it lasts as long as the process.
 */
export class Book {
  readonly #file: string | undefined;
  readonly #numbers = new Map<string, string>();
  readonly #authorizations = new Map<string, Authorization>();
  /** Authorizations whose void came before them. */
  readonly #voidedBefore = new Set<string>();
  readonly #done = new Map<string, { readonly operation: Operation; readonly outcome: Outcome }>();

  constructor(file?: string) {
    if (file !== undefined && existsSync(file)) {
      for (const line of readFileSync(file, "utf8").split("\n")) {
        if (line !== "") this.#enter(JSON.parse(line) as Entry);
      }
    }
    if (file !== undefined) mkdirSync(dirname(file), { recursive: true });
    this.#file = file;
  }

  /** Keeps a card's number under a token that tells nothing of it. */
  addToken(token: string, number: string): void {
    this.#enter({ token, number });
  }

  /** The outcome of the key's operation, done now unless it was before; undefined where the key was another operation's. */
  operate(key: string, operation: Operation): Outcome | undefined {
    const before = this.#done.get(key);
    if (before !== undefined) return isDeepStrictEqual(before.operation, operation) ? before.outcome : undefined;
    this.#enter({ key, operation });
    return this.outcomeOf(key);
  }

  outcomeOf(key: string): Outcome | undefined {
    return this.#done.get(key)?.outcome;
  }

  /** How the card behind an operation behaves. */
  behaviourOf(operation: Operation): Behaviour {
    if (operation.kind === "authorize") return behaviourOf(this.#numbers.get(operation.token) ?? "");
    return this.#authorizations.get(operation.authorization)?.behaviour ?? "approves";
  }

  /** Forgets an authorization: what follows on it is refused as unknown. */
  forget(authorization: string): void {
    if (this.#authorizations.has(authorization)) this.#enter({ forgotten: authorization });
  }

  totals(): Totals {
    const sums = new Map<string, Totals["currencies"][number]>();
    for (const { currency, authorizedMinor, capturedMinor, refundedMinor } of this.#authorizations.values()) {
      const sum = sums.get(currency) ?? { currency, authorizedMinor: 0, capturedMinor: 0, refundedMinor: 0 };
      sum.authorizedMinor += authorizedMinor;
      sum.capturedMinor += capturedMinor;
      sum.refundedMinor += refundedMinor;
      sums.set(currency, sum);
    }
    return { currencies: [...sums.values()].toSorted((a, b) => (a.currency < b.currency ? -1 : 1)) };
  }

  #enter(entry: Entry): void {
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify(entry)}\n`);
    if ("token" in entry) this.#numbers.set(entry.token, entry.number);
    else if ("forgotten" in entry) this.#authorizations.delete(entry.forgotten);
    else {
      const { key, operation } = entry;
      const reason = operation.kind === "authorize" ? this.#authorize(key, operation) : this.#follow(operation);
      const status = reason === null ? "approved" : "declined";
      this.#done.set(key, { operation, outcome: { key, kind: operation.kind, status, reason } });
    }
  }

  #authorize(key: string, { token, amountMinor, currency }: Operation & { kind: "authorize" }): Outcome["reason"] {
    const number = this.#numbers.get(token);
    if (number === undefined) return "unknownToken";
    if (this.#voidedBefore.has(key)) return "voided";
    const behaviour = behaviourOf(number);
    if (behaviour === "doNotHonor" || behaviour === "insufficientFunds") return behaviour;
    const untouched = { capturedMinor: 0, refundedMinor: 0, isVoided: false };
    this.#authorizations.set(key, { currency, behaviour, authorizedMinor: amountMinor, ...untouched });
    return null;
  }

  #follow(operation: Exclude<Operation, { kind: "authorize" }>): Outcome["reason"] {
    const found = this.#authorizations.get(operation.authorization);
    if (found === undefined) {
      if (operation.kind !== "void") return "unknownAuthorization";
      this.#voidedBefore.add(operation.authorization);
      return null;
    }
    if (operation.kind === "void") {
      found.isVoided = true;
      return null;
    }
    const { amountMinor } = operation;
    if (operation.kind === "refund") {
      if (found.refundedMinor + amountMinor > found.capturedMinor) return "exceedsCaptured";
      found.refundedMinor += amountMinor;
      return null;
    }
    if (found.isVoided) return "voided";
    if (found.capturedMinor + amountMinor > found.authorizedMinor) return "exceedsAuthorized";
    found.capturedMinor += amountMinor;
    return null;
  }
}
