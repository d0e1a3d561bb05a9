import { defineTable } from "../memory/database.ts";

/** One effect of one event or job, or one leg of one command: who made it, what it was for, in commit order. */
export interface Effect {
  readonly reference: string;
  readonly account: string;
  readonly amount: number;
  /** The event or job that it is the effect of; empty for a leg. */
  readonly cause: string;
  /** The event's version within its key; 0 where there is none. */
  readonly version: number;
}

/** Balances by account. */
export const accounts = defineTable<number>("bank.account");
/** The legs of commands. */
export const entries = defineTable<Effect>("bank.entry");
/** What the bank heard back of its movements: two events away from the command. */
export const confirmations = defineTable<Effect>("bank.confirmation");
/** What the desk heard of movements. */
export const notes = defineTable<Effect>("desk.note");
/** What the desk's jobs sent. */
export const letters = defineTable<Effect>("desk.letter");
/** Turns of the desk's schedule that ran, by the ids of their jobs. */
export const closings = defineTable<string>("desk.closing");
/** What they asked for that was done, by its reference. */
export const stamps = defineTable<string>("desk.stamp");
/** The projection: what was moved, by account. */
export const totals = defineTable<number>("desk.total");
