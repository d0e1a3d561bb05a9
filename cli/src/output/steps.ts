import { performance } from "node:perf_hooks";
import { duration } from "./terminal.ts";

/** One line of the start-up table. */
export interface Step {
  readonly name: string;
  readonly detail: string;
  readonly tookMs: number;
}

const slowAfterMs = 1_000;
const againAfterMs = 5_000;

/** Runs start-up steps, keeps how long each took, and says what it waits for when one is slow. */
export class Steps {
  readonly done: Step[] = [];
  readonly #say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** `detail` turns the result into the table's middle column. */
  async run<T>(name: string, work: () => Promise<T>, detail: (result: T) => string): Promise<T> {
    const startedAt = performance.now();
    const result = await this.watch(name, work);
    this.done.push({ name, detail: detail(result), tookMs: performance.now() - startedAt });
    return result;
  }

  /** Only says that it waits; adds no line to the table. */
  async watch<T>(name: string, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const waiting = () => this.#say(`Waiting for ${name} … ${duration(performance.now() - startedAt)}`);
    let repeat: NodeJS.Timeout | undefined;
    const first = setTimeout(() => {
      waiting();
      repeat = setInterval(waiting, againAfterMs);
    }, slowAfterMs);
    try {
      return await work();
    } finally {
      clearTimeout(first);
      clearInterval(repeat);
    }
  }
}
