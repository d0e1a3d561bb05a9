import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "@banyan/kernel";
import type { Middleware } from "@banyan/kernel/app";
import { matcher } from "./matcher.ts";

/** Trouble for calls of actions that match, until a time. */
export interface Disturbance {
  /** "ledger.*": `*` stands for any run of characters. */
  readonly pattern: string;
  /** Milliseconds to add to each call; 0 adds none. */
  readonly slowMs: number;
  /** The share of calls that fail, 0 to 1. They fail before their handler begins. */
  readonly failRate: number;
  /** In milliseconds since 1970. */
  readonly until: number;
}

/** Slows and fails calls on an operator's word, to try out what a system does then. */
export class Chaos {
  #disturbances: readonly (Disturbance & { readonly matches: RegExp })[] = [];

  /** Stands around every call of this process. */
  readonly middleware: Middleware = {
    name: "chaos",
    around: async ({ action }, next) => {
      for (const disturbance of this.#current(action.id)) {
        if (disturbance.slowMs > 0) await sleep(disturbance.slowMs);
        if (Math.random() < disturbance.failRate) throw failed(action.id);
      }
      return next();
    },
  };

  add(disturbance: Disturbance): void {
    this.#disturbances = [...this.#current(), { ...disturbance, matches: matcher(disturbance.pattern) }];
  }

  #current(id?: string): (Disturbance & { readonly matches: RegExp })[] {
    if (this.#disturbances.length === 0) return [];
    const now = Date.now();
    return this.#disturbances.filter(({ until, matches }) => until > now && (id === undefined || matches.test(id)));
  }
}

/** Nothing ran, so that whoever may try again does. */
function failed(action: string): Fault {
  const message = `${action} failed because \`banyan chaos\` told it to`;
  return new Fault({ code: "cli.chaos", kind: "unavailable", message, details: {} });
}
