import type { Service } from "@banyan/kernel";
import type { App } from "@banyan/kernel/app";
import type { Dialect } from "../memory/dialect.ts";
import type { Life } from "../time/timeline.ts";

/** Where a process can be asked. */
export interface Callee {
  readonly life: Life;
  /** Runs `call` in the process, and tells `broken` when it dies before the call has settled. */
  ask(call: (app: App) => Promise<void>, broken: () => void): void;
}

export type ScenarioName = "bank" | "shop";

/** Who lives in a world: services, those who call them, what must hold of them in the end, and what an operator does then. */
export interface Scenario {
  readonly dialect: Dialect;
  /** Services that hear of events: groups of the log. */
  readonly listeners: number;
  /** The most by which a process's clock is wrong. */
  readonly skewMsMax: number;
  /** After the storm everything must come to rest within this. */
  readonly settleMs: number;
  /** How much was asked so far. */
  readonly operations: number;
  /** For one process. */
  services(life: Life): readonly Service[];
  /** Those who call begin. */
  begin(places: readonly Callee[]): void;
  /** Whether an error that a process reports is one that the world planned. */
  isPlanned(error: unknown): boolean;
  /** Whether everybody has their answers, and nothing is under way. */
  isAtRest(): boolean;
  /** What is not at rest, for people. */
  whatWaits(): string;
  /** Everything that is wrong. */
  check(): string[];
  /** What an operator does afterwards; everything that is wrong then. */
  recover(operator: Operator): Promise<string[]>;
}

export interface Operator {
  /** Does something at a process. */
  operate(what: string, act: (app: App) => Promise<unknown>): Promise<void>;
  /** Lets the world come to rest; what is wrong where it does not. */
  settled(after: string): Promise<string[]>;
}
